package llm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"coigwriter/internal/errs"
)

// promptEnding is that of the files.
const promptEnding = ".tmpl"

// A promptFile is the text of a prompt: two templates, system and user.
type promptFile struct {
	name, hash, text string
	tmpl             *template.Template
}

func readPromptFile(files fs.FS, name string) (*promptFile, error) {
	text, err := fs.ReadFile(files, "prompts/"+name+promptEnding)
	if err != nil {
		return nil, err
	}
	return newPromptFile(name, string(text))
}

func newPromptFile(name, text string) (*promptFile, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, part := range []string{"system", "user"} {
		if t.Lookup(part) == nil {
			return nil, fmt.Errorf("the template does not define %q", part)
		}
	}
	sum := sha256.Sum256([]byte(text))
	return &promptFile{name, hex.EncodeToString(sum[:]), text, t}, nil
}

// textMark is what delimits a text from outside ([Delimit]).
var textMark = regexp.MustCompile(`<text-[0-9a-f]{16}>`)

// render fills the template. Whatever in data comes from outside must be [Text], which prints itself
// delimited; where that stands in the system part, which is ours alone, it is an error.
func (f *promptFile) render(data any) (_ []Message, err error) {
	defer errs.Wrap(&err, "prompt %s", f.name)
	msgs := []Message{{Role: "system"}, {Role: "user"}}
	for i := range msgs {
		var b strings.Builder
		if err := f.tmpl.ExecuteTemplate(&b, msgs[i].Role, data); err != nil {
			return nil, err
		}
		msgs[i].Content = strings.TrimSpace(b.String())
	}
	if textMark.MatchString(msgs[0].Content) {
		return nil, errs.Invalidf("the system part holds a text from outside: such texts belong in the user part")
	}
	return msgs, nil
}

// fields are the data that the templates use, such as .Article.
func (f *promptFile) fields() []string {
	found := map[string]bool{}
	var walk func(parse.Node)
	walk = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			if n != nil {
				for _, x := range n.Nodes {
					walk(x)
				}
			}
		case *parse.ActionNode:
			walk(n.Pipe)
		case *parse.PipeNode:
			if n != nil {
				for _, cmd := range n.Cmds {
					for _, a := range cmd.Args {
						walk(a)
					}
				}
			}
		case *parse.FieldNode:
			found["."+strings.Join(n.Ident, ".")] = true
		case *parse.RangeNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		case *parse.IfNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		case *parse.WithNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		}
	}
	for _, t := range f.tmpl.Templates() {
		if t.Tree != nil {
			walk(t.Root)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// standsFor reports why f cannot stand in the place of ours: it must use the same data, so that what
// is judged is still there, and what is not there is not asked for.
func (f *promptFile) standsFor(ours *promptFile) error {
	mine, want := f.fields(), ours.fields()
	for _, x := range want {
		if !slices.Contains(mine, x) {
			return errs.Invalidf("it does not use {{%s}}: a prompt of this name needs %s", x, strings.Join(want, ", "))
		}
	}
	for _, x := range mine {
		if !slices.Contains(want, x) {
			return errs.Invalidf("it uses {{%s}}, which is not there: a prompt of this name has %s", x, strings.Join(want, ", "))
		}
	}
	return nil
}

// A PromptDir holds a project's own prompts: files named as ours, each in the place of one.
type PromptDir struct {
	files map[string]*promptFile
	path  string
}

// ReadPromptDir reads the files *.tmpl of a directory; none is there when the directory is not. An
// error names the file and what is wrong with it.
func ReadPromptDir(path string) (_ PromptDir, err error) {
	dir := PromptDir{files: map[string]*promptFile{}, path: path}
	names, err := filepath.Glob(filepath.Join(path, "*"+promptEnding))
	if err != nil {
		return dir, errs.Invalidf("prompts: %v", err)
	}
	for _, file := range names {
		text, err := os.ReadFile(file)
		if err != nil {
			return dir, errs.Unavailablef("prompts: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(file), promptEnding)
		if dir.files[name], err = newPromptFile(name, string(text)); err != nil {
			return dir, errs.Invalidf("%s: %w", file, err)
		}
	}
	return dir, nil
}

// Check reports files that stand in the place of none of ours, or cannot; ours are all prompts there
// are.
func (d PromptDir) Check(ours []PromptInfo) error {
	var names []string
	for _, p := range ours {
		names = append(names, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		i := slices.Index(names, name)
		if i < 0 {
			return errs.Invalidf("%s: there is no prompt of this name; there are %s", filepath.Join(d.path, name+promptEnding), strings.Join(names, ", "))
		}
		text := ours[i].Text
		if ours[i].Own {
			text = ours[i].Ours
		}
		base, err := newPromptFile(name, text)
		if err == nil {
			err = d.files[name].standsFor(base)
		}
		if err != nil {
			return errs.Invalidf("%s: %w", filepath.Join(d.path, name+promptEnding), err)
		}
	}
	return nil
}

// promptFile is the file with which c asks in the place of ours.
func (c *Client) promptFile(ours *promptFile) *promptFile {
	if c != nil {
		if own := c.e.Prompts.files[ours.name]; own != nil {
			return own
		}
	}
	return ours
}
