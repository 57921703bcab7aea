package errs_test

import (
	"errors"
	"io"
	"testing"

	"coigwriter/internal/errs"
)

func TestKinds(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	err := errs.Invalidf("line %d: %w", 3, cause)
	errs.Wrap(&err, "import %s", "a.jsonl")
	for _, want := range []error{errs.Invalid, cause} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not %v", err, want)
		}
	}
	if errors.Is(err, errs.NotFound) {
		t.Errorf("%v must not be NotFound", err)
	}
	if got, want := err.Error(), "import a.jsonl: line 3: unexpected EOF"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if errs.Kind(err) != errs.Invalid || errs.Kind(cause) != nil {
		t.Errorf("kinds: %v, %v", errs.Kind(err), errs.Kind(cause))
	}
}

func TestFields(t *testing.T) {
	if errs.Fields() != nil {
		t.Fatal("no bad field must be no error")
	}
	err := errs.Fields(errs.Field{Name: "title", Msg: "is empty"}, errs.Field{Name: "genre", Msg: "is unknown"})
	errs.Wrap(&err, "save")
	if !errors.Is(err, errs.Invalid) {
		t.Errorf("%v is not Invalid", err)
	}
	if got := errs.FieldsOf(err); len(got) != 2 || got[1].Name != "genre" {
		t.Errorf("fields %v", got)
	}
}

func TestWrapLeavesNilAlone(t *testing.T) {
	var err error
	errs.Wrap(&err, "anything")
	if err != nil {
		t.Fatal(err)
	}
}
