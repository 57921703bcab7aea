// Package errs names the kinds of failure a person or a program can act on.
//
// A domain function returns an error of one of these kinds when the caller did
// something that can be mended; everything else is an internal error. The kinds are
// mapped once to HTTP status and page (web), once to problem documents (api) and
// once to exit codes (cli).
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds. Test for them with [errors.Is].
var (
	NotFound    = errors.New("not found")         // the thing does not exist, or the person may not know that it does
	Conflict    = errors.New("conflict")          // it changed meanwhile, or the transition is impossible from its state
	Forbidden   = errors.New("not allowed")       // the person's roles do not allow it
	Invalid     = errors.New("invalid")           // the input is wrong; the message says where and what to do
	Unavailable = errors.New("not available now") // something outside (a model, a disk) is missing; nothing was lost
)

// A kinded error carries a message for people and the kind for programs.
type kinded struct {
	kind error
	msg  string
	err  error // wrapped cause, or nil
}

func (e *kinded) Error() string { return e.msg }

func (e *kinded) Unwrap() []error {
	if e.err == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.err}
}

func newf(kind error, format string, a []any) error {
	wrapped := fmt.Errorf(format, a...)
	return &kinded{kind: kind, msg: wrapped.Error(), err: errors.Unwrap(wrapped)}
}

// NotFoundf returns a NotFound error with a message; %w wraps a cause.
func NotFoundf(format string, a ...any) error { return newf(NotFound, format, a) }

// Conflictf returns a Conflict error with a message; %w wraps a cause.
func Conflictf(format string, a ...any) error { return newf(Conflict, format, a) }

// Forbiddenf returns a Forbidden error with a message; %w wraps a cause.
func Forbiddenf(format string, a ...any) error { return newf(Forbidden, format, a) }

// Invalidf returns an Invalid error with a message; %w wraps a cause.
func Invalidf(format string, a ...any) error { return newf(Invalid, format, a) }

// Unavailablef returns an Unavailable error with a message; %w wraps a cause.
func Unavailablef(format string, a ...any) error { return newf(Unavailable, format, a) }

// Kind returns the kind err belongs to, or nil for an internal error.
func Kind(err error) error {
	for _, k := range []error{NotFound, Conflict, Forbidden, Invalid, Unavailable} {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}

// A Field is one bad field of a form or request. Msg says what is wrong and what to do;
// Key, when set, is the message key a page may translate instead, and Args are its arguments:
// pairs of a name and a value.
type Field struct {
	Name string
	Msg  string
	Key  string
	Args []any
}

type fieldErrors []Field

func (fs fieldErrors) Error() string {
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = f.Name + ": " + f.Msg
	}
	return strings.Join(parts, "; ")
}

func (fs fieldErrors) Unwrap() error { return Invalid }

// Fields returns an Invalid error that carries the bad fields, or nil when there are none.
func Fields(fs ...Field) error {
	if len(fs) == 0 {
		return nil
	}
	return fieldErrors(fs)
}

// FieldsOf returns the bad fields an error carries.
func FieldsOf(err error) []Field {
	var fs fieldErrors
	if errors.As(err, &fs) {
		return fs
	}
	return nil
}

// Wrap adds context to *err, if there is one: defer errs.Wrap(&err, "import %s", path).
func Wrap(err *error, format string, a ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), *err)
	}
}
