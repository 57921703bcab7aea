package cli

// llmCmd is everything about calls to models.
type llmCmd struct {
	Probe   llmProbeCmd   `cmd:"" needs:"model" help:"Find out what a model server is, what it can do, and what to mind; without --llm-url, look for one on this machine."`
	Prompt  llmPromptCmd  `cmd:"" help:"The prompts that models are asked with, and a project's own in their place."`
	Redteam llmRedteamCmd `cmd:"" needs:"model" help:"Try texts that talk to their judge on the model, and report how far they move its scores."`
	Ledger  llmLedgerCmd  `cmd:"" help:"What model calls used, cost and took, by stage, model, person or day."`
	Replay  llmReplayCmd  `cmd:"" help:"Read stored replies again with the present parser, without calling anybody."`
	Batch   llmBatchCmd   `cmd:"" needs:"model" help:"Questions for a provider's batch service, and its answers."`
}
