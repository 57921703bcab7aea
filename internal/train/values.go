package train

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"coigwriter/internal/errs"
)

// A Value is a setting as a person reads and writes it.
type Value struct{ Key, Text string }

// Values lists all settings, in the order of [Fields].
func (s Settings) Values() []Value {
	v := reflect.ValueOf(s)
	out := make([]Value, v.NumField())
	for i := range out {
		out[i] = Value{v.Type().Field(i).Tag.Get("json"), fmt.Sprint(v.Field(i).Interface())}
	}
	return out
}

// With returns the settings with some values changed. What is no setting, or no value of one, is named.
func (s Settings) With(values map[string]string) (Settings, error) {
	v := reflect.ValueOf(&s).Elem()
	at := map[string]reflect.Value{}
	for i := range v.NumField() {
		at[v.Type().Field(i).Tag.Get("json")] = v.Field(i)
	}
	var bad []errs.Field
	for key, text := range values {
		f, ok := at[key]
		if !ok {
			bad = append(bad, errs.Field{Name: key, Msg: "is no setting; coigwriter train settings lists them"})
			continue
		}
		if err := setText(f, strings.TrimSpace(text)); err != nil {
			bad = append(bad, errs.Field{Name: key, Key: "train.bad_value", Args: []any{"value", text}, Msg: fmt.Sprintf("%q: %v", text, err)})
		}
	}
	return s, errs.Fields(bad...)
}

func setText(f reflect.Value, text string) error {
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("write true or false")
		}
		f.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("is no whole number")
		}
		f.SetInt(n)
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("is no number")
		}
		f.SetFloat(x)
	}
	return nil
}

// ReadSettings reads a TOML file over the defaults; an unknown key is an error.
func ReadSettings(path string) (Settings, error) {
	s := Defaults()
	meta, err := toml.DecodeFile(path, &s)
	if err != nil {
		return s, errs.Invalidf("%s: %w", path, err)
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return s, errs.Invalidf("%s: unknown setting %q; coigwriter train settings lists the settings there are", path, keys[0].String())
	}
	return s, nil
}

// A Difference is a setting in which runs are not alike, with each run's value.
type Difference struct {
	Key    string
	Values []string
}

// Differences lists the settings in which runs are not alike, and how many are the same in all.
func Differences(all []Settings) (diff []Difference, alike int) {
	if len(all) == 0 {
		return nil, 0
	}
	for i, first := range all[0].Values() {
		d := Difference{Key: first.Key}
		differs := false
		for _, s := range all {
			v := s.Values()[i].Text
			d.Values = append(d.Values, v)
			differs = differs || v != first.Text
		}
		if differs {
			diff = append(diff, d)
		} else {
			alike++
		}
	}
	return diff, alike
}
