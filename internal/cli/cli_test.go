package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/llm"
	"coigwriter/internal/train/traintest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coigwriter": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}})
}

// TestScripts runs the transcripts in testdata/script. Besides testscript's own commands they
// have:
//
//	serve [flags]              starts coigwriter serve; $BASE is its address, $SETUP the set-up link
//	demo [flags]               starts coigwriter demo; $BASE is its address
//	work [flags]               starts coigwriter work, and waits until it works
//	halt                       ends the one started last with SIGTERM, and wants exit code 0; serve.log is what it logged
//	page STATUS PATH           asks for a page without a session
//	database                   another empty database; on SQLite each folder has its own anyway
//	model [mode]               starts the scripted fake of a model; $MODEL is its address
//	batch IN OUT               plays a batch service: the fake answers the questions, all but the last
//	api STATUS METHOD PATH [JSON]   asks the API with $TOKEN (and If-Match $MATCH), wants a status
//	take VAR PATH              a value of the last JSON on stdout, such as 0.id, into a variable
//	big FILE                   writes a file with one line of 50 MB between two good records
//	trainable DIR              writes a small mix (24 rows, configuration CW) and a tiny model into DIR; $FAKE is a
//	                           fake engine's Python there, $REAL the first Python that COIGWRITER_TEST_ENGINES names
//	encode NAME FILE           turns a UTF-8 file into another encoding; "torn" leaves its end in GBK
//
// With COIGWRITER_TEST_DB the same transcripts run on PostgreSQL; [sqlite] tells which. [real]
// is whether the real pages are there, [trains] whether a real engine is.
func TestScripts(t *testing.T) {
	pages, _ := filepath.Abs("../../../shared/data/html_blogs_cc/pages")
	_, noPages := os.Stat(pages)
	own, err := filepath.Abs("testdata/pages")
	if err != nil {
		t.Fatal(err)
	}
	onSQLite := os.Getenv("COIGWRITER_TEST_DB") == ""
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PAGES", pages)
			e.Setenv("OWN_PAGES", own)
			if !onSQLite {
				e.Setenv("COIGWRITER_DB", dbtest.URL(t))
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "sqlite":
				return onSQLite, nil
			case "real":
				return noPages == nil, nil
			case "trains":
				return os.Getenv("COIGWRITER_TEST_ENGINES") != "", nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"database": func(ts *testscript.TestScript, _ bool, _ []string) {
				if !onSQLite {
					ts.Setenv("COIGWRITER_DB", dbtest.URL(t))
				}
			},
			"serve": func(ts *testscript.TestScript, _ bool, args []string) {
				startScript(ts, "serve", append([]string{"--listen", "127.0.0.1:0"}, args...))
			},
			"demo": func(ts *testscript.TestScript, _ bool, args []string) {
				startScript(ts, "demo", append([]string{"--listen", "127.0.0.1:0"}, args...))
			},
			"work": func(ts *testscript.TestScript, _ bool, args []string) { startScript(ts, "work", args) },
			"page": pageScript, "halt": haltScript, "model": modelScript, "batch": batchScript, "api": apiScript, "take": takeScript, "big": bigScript, "strain": strainScript, "encode": encodeScript, "trainable": trainableScript,
		},
	})
}

// A server is a running program of a script.
type server struct {
	cmd  *exec.Cmd
	out  *lockedBuffer
	log  *lockedBuffer
	done chan error
}

// servers are the running programs, the last one last.
var (
	serversMu sync.Mutex
	servers   = map[*testscript.TestScript][]*server{}
)

// A lockedBuffer takes what a program prints while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startScript starts a command that goes on until it is ended, and waits for its first words.
func startScript(ts *testscript.TestScript, name string, args []string) {
	cmd := exec.Command("coigwriter", append([]string{name}, args...)...)
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) { // testscript puts the program into the script's own PATH
		if p := filepath.Join(dir, "coigwriter"); isProgram(p) {
			cmd.Path, cmd.Err = p, nil
			break
		}
	}
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), scriptEnv(ts)...)
	s := &server{cmd: cmd, out: &lockedBuffer{}, log: &lockedBuffer{}, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = s.out, s.log
	ts.Check(cmd.Start())
	go func() { s.done <- cmd.Wait() }()
	ts.Defer(func() { _ = cmd.Process.Kill() })
	serversMu.Lock()
	servers[ts] = append(servers[ts], s)
	serversMu.Unlock()
	for range 600 {
		if name == "work" && strings.Contains(s.log.String(), "working") {
			return
		}
		for line := range strings.Lines(s.out.String()) {
			if at := strings.Index(line, "http://"); at >= 0 && strings.HasSuffix(line, "\n") {
				base, setup, _ := strings.Cut(strings.TrimSpace(line[at:]), "/setup/")
				ts.Setenv("BASE", base)
				ts.Setenv("SETUP", "/setup/"+setup)
				return
			}
		}
		select {
		case err := <-s.done:
			ts.Fatalf("%s ended: %v\n%s%s", name, err, s.out, s.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
	ts.Fatalf("%s said nothing\n%s%s", name, s.out, s.log)
}

func isProgram(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir() && st.Mode()&0o111 != 0
}

// scriptEnv is what a script has set and a program may read.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"COIGWRITER_DB", "COIGWRITER_DATA", "COIGWRITER_LLM_URL", "COIGWRITER_LLM_MODEL", "HOME", "TMPDIR", "PATH"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func haltScript(ts *testscript.TestScript, neg bool, args []string) {
	serversMu.Lock()
	running := servers[ts]
	if len(running) == 0 {
		serversMu.Unlock()
		ts.Fatalf("nothing was started")
	}
	s := running[len(running)-1]
	servers[ts] = running[:len(running)-1]
	serversMu.Unlock()
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.done:
		if err != nil {
			ts.Fatalf("it ended with %v\n%s", err, s.log)
		}
	case <-time.After(30 * time.Second):
		ts.Fatalf("it did not end\n%s", s.log)
	}
	ts.Check(os.WriteFile(ts.MkAbs("serve.out"), []byte(s.out.String()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), []byte(s.log.String()), 0o644))
}

func pageScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: page STATUS PATH")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(ts.Getenv("BASE") + args[1])
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(data))
	if strconv.Itoa(res.StatusCode) != args[0] {
		ts.Fatalf("%s: status %d, want %s", args[1], res.StatusCode, args[0])
	}
}

func modelScript(ts *testscript.TestScript, neg bool, args []string) {
	var rules []llm.ScriptRule
	for _, mode := range args {
		rules = append(rules, llm.ScriptRule{Mode: llm.ScriptMode(mode)})
	}
	s, err := llm.StartScript(rules...)
	ts.Check(err)
	ts.Defer(s.Close)
	ts.Setenv("MODEL", s.Endpoint().BaseURL)
}

// batchScript plays a provider's batch service: it has the scripted server answer every line of a file,
// and writes its answers in the provider's shape; the last line fails, as some do.
func batchScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: batch QUESTIONS ANSWERS")
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for i, line := range lines {
		var q struct {
			CustomID    string `json:"custom_id"`
			Method, URL string
			Body        json.RawMessage
		}
		ts.Check(json.Unmarshal([]byte(line), &q))
		if q.Method != "POST" || q.URL != "/v1/chat/completions" {
			ts.Fatalf("line %d: %s %s", i+1, q.Method, q.URL)
		}
		if i == len(lines)-1 && i > 0 {
			ts.Check(enc.Encode(map[string]any{"custom_id": q.CustomID, "response": nil, "error": map[string]any{"message": "expired"}}))
			continue
		}
		res, err := http.Post(ts.Getenv("MODEL")+"/chat/completions", "application/json", bytes.NewReader(q.Body))
		ts.Check(err)
		body, err := io.ReadAll(res.Body)
		ts.Check(errors.Join(err, res.Body.Close()))
		ts.Check(enc.Encode(map[string]any{"id": fmt.Sprint("b", i), "custom_id": q.CustomID, "response": map[string]any{"status_code": res.StatusCode, "body": json.RawMessage(body)}, "error": nil}))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

func apiScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: api STATUS METHOD PATH [JSON]")
	}
	var body io.Reader
	if len(args) > 3 {
		body = strings.NewReader(args[3])
	}
	req, err := http.NewRequest(args[1], ts.Getenv("BASE")+"/api/v1"+args[2], body)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if m := ts.Getenv("MATCH"); m != "" {
		req.Header.Set("If-Match", strconv.Quote(m))
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(data))
	if strconv.Itoa(res.StatusCode) != args[0] {
		ts.Fatalf("%s %s: status %d, want %s: %s", args[1], args[2], res.StatusCode, args[0], data)
	}
}

func takeScript(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, key := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				ts.Fatalf("no %s in a list of %d", key, len(at))
			}
			v = at[i]
		}
	}
	if v == nil {
		ts.Fatalf("there is no %s in %s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func bigScript(ts *testscript.TestScript, neg bool, args []string) {
	good := func(id string) string {
		return `{"url":"https://blog.example.com/` + id + `","published_at":"2024-03-01","text":"` + strings.Repeat("雨停之后，巷口的灯一盏一盏亮起来。", 20) + id + `"}` + "\n"
	}
	data := good("1") + `{"text":"` + strings.Repeat("长", 50<<20/3) + `"}` + "\n" + good("3")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data), 0o644))
}

// strainScript writes outputs that strain an analysis: of 5 MB, empty, and with bytes that are no UTF-8.
func strainScript(ts *testscript.TestScript, neg bool, args []string) {
	line := func(id, output string) string {
		return `{"query_id":"` + id + `","model":"m","language":"zh","output":"` + output + `"}` + "\n"
	}
	data := line("1", strings.Repeat("雨停了，巷口的灯一盏一盏亮起来。", 5<<20/48)) + line("2", "") + line("3", "\xff\xfe坏") + line("4", "雨停了。")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data), 0o644))
}

func encodeScript(ts *testscript.TestScript, neg bool, args []string) {
	data := []byte(ts.ReadFile(args[1]))
	enc, half := map[string]encoding.Encoding{"gb18030": simplifiedchinese.GB18030, "utf-16": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}[args[0]], 0
	if args[0] == "torn" {
		enc, half = simplifiedchinese.GBK, bytes.IndexByte(data, '\n')+1
	}
	out, err := enc.NewEncoder().Bytes(data[half:])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), append(data[:half:half], out...), 0o644))
}

func trainableScript(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: trainable DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	python, err := traintest.FakePython(dir)
	ts.Check(err)
	ts.Check((traintest.Model{}).Write(filepath.Join(dir, "model")))
	ts.Check(traintest.WriteMix(filepath.Join(dir, "mix"), "CW", traintest.Rows(16, 8)))
	ts.Setenv("FAKE", python)
	ts.Setenv("REAL", strings.Split(os.Getenv("COIGWRITER_TEST_ENGINES"), string(filepath.ListSeparator))[0])
}
