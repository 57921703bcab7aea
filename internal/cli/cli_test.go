package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/llm"
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
//	halt                       ends it with SIGTERM, and wants exit code 0
//	database                   another empty database; on SQLite each folder has its own anyway
//	model [mode]               starts the scripted fake of a model; $MODEL is its address
//	api STATUS METHOD PATH [JSON]   asks the API with $TOKEN (and If-Match $MATCH), wants a status
//	take VAR PATH              a value of the last JSON on stdout, such as 0.id, into a variable
//	big FILE                   writes a file with one line of 50 MB between two good records
//	encode NAME FILE           turns a UTF-8 file into another encoding; "torn" leaves its end in GBK
//
// With COIGWRITER_TEST_DB the same transcripts run on PostgreSQL; [sqlite] tells which. [real]
// is whether the real pages are there.
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
			"serve": serveScript, "halt": haltScript, "model": modelScript, "api": apiScript, "take": takeScript, "big": bigScript, "encode": encodeScript,
		},
	})
}

// servers are the running programs of the scripts.
type server struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan error
}

var servers = map[*testscript.TestScript]*server{}

func serveScript(ts *testscript.TestScript, neg bool, args []string) {
	cmd := exec.Command("coigwriter", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Path, _ = exec.LookPath("coigwriter")
	if cmd.Path == "" { // testscript puts the program into the script's own PATH
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if p := filepath.Join(dir, "coigwriter"); isProgram(p) {
				cmd.Path = p
				break
			}
		}
	}
	cmd.Err = nil
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), scriptEnv(ts)...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	s := &server{cmd: cmd, log: &bytes.Buffer{}, done: make(chan error, 1)}
	cmd.Stderr = s.log
	ts.Check(cmd.Start())
	servers[ts] = s
	ts.Defer(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if at := strings.Index(line, "http://"); at >= 0 {
			base, setup, _ := strings.Cut(line[at:], "/setup/")
			ts.Setenv("BASE", base)
			ts.Setenv("SETUP", "/setup/"+setup)
			go func() {
				_, _ = io.Copy(io.Discard, out)
				s.done <- cmd.Wait()
			}()
			return
		}
	}
	ts.Fatalf("serve printed no address: %v\n%s", cmd.Wait(), s.log)
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
	s := servers[ts]
	if s == nil {
		ts.Fatalf("nothing was started")
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.done:
		if err != nil {
			ts.Fatalf("the server ended with %v\n%s", err, s.log)
		}
	case <-time.After(30 * time.Second):
		ts.Fatalf("the server did not end\n%s", s.log)
	}
	delete(servers, ts)
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), s.log.Bytes(), 0o644))
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
