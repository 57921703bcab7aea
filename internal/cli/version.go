package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Version is set at release time: go build -ldflags "-X coigwriter/internal/cli.Version=1.2.3".
var Version = "dev"

type versionDoc struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildVersion() versionDoc {
	v := versionDoc{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "vcs.time":
				v.Time = s.Value
			}
		}
	}
	return v
}

// Run prints the version.
func (versionCmd) Run(con *console) error {
	v := buildVersion()
	return con.print(v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "coigwriter %s %s %s %s\n", v.Version, v.Revision, v.Go, v.Platform)
		return err
	})
}
