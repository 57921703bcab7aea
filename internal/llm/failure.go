package llm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"coigwriter/internal/errs"
)

// A Kind names what went wrong with a call. The empty kind means that nothing did.
type Kind string

// The kinds of failure. The first three are final for the question asked; the others say
// nothing about the text and leave the question open.
const (
	KindRefused   Kind = "refused"    // the model or the provider's filter would not answer
	KindTooLong   Kind = "too_long"   // the text does not fit the model's context, or the reply was cut off
	KindBadOutput Kind = "bad_output" // prose, half JSON, nothing, or JSON that breaks the schema

	KindTransient   Kind = "transient"    // overload, network, time-out: trying later may help
	KindAuth        Kind = "auth"         // key wrong, or account without money: a person must act
	KindBadEndpoint Kind = "bad_endpoint" // the server has no such model or address, or rejects the request
	KindLost        Kind = "lost"         // sent, and the program ended before the answer was stored
	KindCancelled   Kind = "cancelled"    // the person who asked stopped it; what had come by then is kept
	KindNoEndpoint  Kind = "no_endpoint"  // no server is configured
	KindBudget      Kind = "budget"       // the run has cost what it may
)

// Kinds lists them all, for the choices of a filter.
var Kinds = []Kind{KindRefused, KindTooLong, KindBadOutput, KindTransient, KindAuth, KindBadEndpoint, KindLost, KindNoEndpoint, KindBudget}

// Final reports whether the same question would fail the same way, so that asking again only costs.
func (k Kind) Final() bool {
	return k == KindRefused || k == KindTooLong || k == KindBadOutput
}

// Stops reports whether every other question would fail too, so that a run should end here.
func (k Kind) Stops() bool {
	return k == KindAuth || k == KindBadEndpoint || k == KindNoEndpoint || k == KindBudget
}

// A Failure is why there is no reply. It is an error of kind [errs.Unavailable]: nothing was
// lost, nothing was decided.
type Failure struct {
	Kind    Kind
	Message string // for people: what happened and what to do; never holds the key
	HTTP    int    // the server's status, 0 when it gave none
}

// Error says the kind and the message.
func (f *Failure) Error() string {
	if f.HTTP != 0 && f.HTTP != 200 {
		return fmt.Sprintf("model: %s (http %d): %s", f.Kind, f.HTTP, f.Message)
	}
	return fmt.Sprintf("model: %s: %s", f.Kind, f.Message)
}

// Unwrap makes every failure an errs.Unavailable.
func (f *Failure) Unwrap() error { return errs.Unavailable }

// FailureOf returns the failure err carries, or nil.
func FailureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// Remedy says what a person can do about a failure that ends a run against the server at a base URL; ""
// where the message says it.
func (f *Failure) Remedy(base string) string {
	switch {
	case f.Kind == KindAuth:
		return "set the key in COIGWRITER_LLM_KEY, and look whether the account has money"
	case f.Kind == KindTransient:
		return "is the server running, and has it loaded its model? is it http or https?"
	case f.Kind == KindBadEndpoint && f.HTTP == http.StatusNotFound && !strings.HasSuffix(base, "/v1"):
		return "most servers want an address that ends in /v1"
	case f.Kind == KindBadEndpoint && f.HTTP == http.StatusNotFound:
		return "check --llm-url and --llm-model; coigwriter llm probe lists the models"
	case f.Kind == KindBadEndpoint && f.HTTP == 0:
		return "have its certificate's authority trusted here, or name it in SSL_CERT_FILE; check --llm-url"
	case f.Kind == KindBadEndpoint:
		return "check --llm-url; coigwriter llm probe asks what the server takes"
	}
	return ""
}

func failf(kind Kind, format string, a ...any) *Failure {
	return &Failure{Kind: kind, Message: fmt.Sprintf(format, a...)}
}
