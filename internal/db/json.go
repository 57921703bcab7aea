package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a column of JSON text that holds a T. The zero value is stored as the JSON of T's
// zero value; NULL and the empty string are read as the zero value.
type JSON[T any] struct{ V T }

// AsJSON wraps v for a JSON column.
func AsJSON[T any](v T) JSON[T] { return JSON[T]{V: v} }

// MarshalJSON writes the value itself: that it is a column is nobody's business outside.
func (j JSON[T]) MarshalJSON() ([]byte, error) { return json.Marshal(j.V) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (j *JSON[T]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &j.V) }

// Value implements driver.Valuer.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	return string(b), err
}

// Scan implements sql.Scanner.
func (j *JSON[T]) Scan(src any) error {
	var zero T
	j.V = zero
	var b []byte
	switch s := src.(type) {
	case nil:
		return nil
	case string:
		b = []byte(s)
	case []byte:
		b = s
	default:
		return fmt.Errorf("db: JSON column holds %T", src)
	}
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, &j.V)
}
