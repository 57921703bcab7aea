package train

import (
	"context"

	"coigwriter/internal/errs"
)

// The engines' files come with the next commits; until then nothing is trained and this says so.

type (
	// LlamaFactory drives LLaMA-Factory.
	LlamaFactory struct{ pending }
	// Swift drives ms-swift.
	Swift struct{ pending }
	// TRL drives TRL, through a small runner of ours.
	TRL struct{ pending }

	pending struct{}
)

func (LlamaFactory) Name() string  { return "llamafactory" }
func (LlamaFactory) Title() string { return "LLaMA-Factory" }
func (Swift) Name() string         { return "swift" }
func (Swift) Title() string        { return "ms-swift" }
func (TRL) Name() string           { return "trl" }
func (TRL) Title() string          { return "TRL" }

var errPending = errs.Unavailablef("this engine is not built in yet")

func (pending) Install() string                                  { return "" }
func (pending) Probe(context.Context, string) (Probe, error)     { return Probe{}, errPending }
func (pending) Check(Job, Probe) ([]Warning, error)              { return nil, errPending }
func (pending) Render(Job, Probe) ([]File, error)                { return nil, errPending }
func (pending) Command(Job, Probe, int, string) (Command, error) { return Command{}, errPending }
func (pending) Progress(string) ([]Point, error)                 { return nil, errPending }
func (pending) Done(string) (Outcome, error)                     { return Outcome{}, errPending }
