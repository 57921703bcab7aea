package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/table"
	"coigwriter/internal/train"
)

type trainCmd struct {
	Start    trainStartCmd    `cmd:"" default:"withargs" help:"Train configurations of a mix, one after another (this is what \"train MIX\" does)."`
	Probe    trainProbeCmd    `cmd:"" help:"Say which engines are installed, in which versions, and which GPUs they see."`
	Settings trainSettingsCmd `cmd:"" help:"List the settings, their defaults and where these come from, as a file to change."`
	List     trainListCmd     `cmd:"" help:"List the runs: state, step, loss, time left."`
	Show     trainShowCmd     `cmd:"" help:"Show a run: settings, warnings, curve, cost, the end of its log."`
	Follow   trainFollowCmd   `cmd:"" help:"Follow a run until it ends."`
	Stop     trainStopCmd     `cmd:"" help:"Ask a run to end; it can be resumed."`
	Resume   trainResumeCmd   `cmd:"" help:"Take a stopped or failed run up from its newest checkpoint, or start a planned one."`
	Add      trainAddCmd      `cmd:"" help:"Follow a run that was started elsewhere, as on a cluster, by its directory."`
	Export   trainExportCmd   `cmd:"" help:"Write a mix's runs, with their curves, and its models to a file that another database takes in."`
	Import   trainImportCmd   `cmd:"" help:"Take in what train export wrote in another database, as on a machine with GPUs."`
	Register trainRegisterCmd `cmd:"" help:"Give what a finished run made a name, which answers then refer to."`
	Models   trainModelsCmd   `cmd:"" help:"List the registered models and what they were trained from."`
	Serve    trainServeCmd    `cmd:"" help:"Print, start or stop the server of a registered model (vLLM, SGLang)."`
}

// topologyFlags say where a run's processes stand.
type topologyFlags struct {
	Launcher  string `help:"How processes are started: ${enum}. All but local are printed and not started." enum:"${launchers}" default:"local"`
	Nodes     int    `help:"Machines." default:"1"`
	GPUs      int    `name:"gpus" help:"GPUs of each machine; on a processor, processes (default: those that the engine sees, else 1)."`
	Devices   string `help:"Which GPUs, as CUDA_VISIBLE_DEVICES names them." placeholder:"0,1"`
	Master    string `help:"torchrun: address of the first machine." placeholder:"HOST"`
	Port      int    `help:"Port at which processes meet (default: 29500)."`
	Partition string `help:"Slurm: partition."`
	Account   string `help:"Slurm: account."`
	Time      string `help:"Slurm: time limit, such as 1-00:00:00."`
	CPUs      int    `name:"cpus" help:"Slurm, Kubernetes: processor cores of each machine."`
	Memory    string `help:"Slurm, Kubernetes: memory of each machine, as they spell it."`
	Address   string `help:"Ray: address of the cluster's job server." placeholder:"URL"`
	Namespace string `help:"Kubernetes: namespace."`
	Image     string `help:"Kubernetes: container image with the engine."`
	Claim     string `help:"Kubernetes: volume claim that holds the runs and the model."`
	Mount     string `help:"Kubernetes: path at which the claim is mounted." placeholder:"DIR"`
}

func (f topologyFlags) topology(p train.Probe) train.Topology {
	t := train.Topology{
		Launcher: train.Launcher(f.Launcher), Nodes: f.Nodes, GPUs: f.GPUs, Devices: f.Devices, Master: f.Master, Port: f.Port,
		Partition: f.Partition, Account: f.Account, Time: f.Time, CPUs: f.CPUs, Memory: f.Memory, Address: f.Address,
		Namespace: f.Namespace, Image: f.Image, Claim: f.Claim, Mount: f.Mount,
	}
	if t.GPUs == 0 {
		t.GPUs = max(1, len(p.GPUs))
		if f.Devices != "" {
			t.GPUs = len(strings.Split(f.Devices, ","))
		}
	}
	return t
}

type trainStartCmd struct {
	Mix           string            `arg:"" help:"Directory that coigwriter mix wrote."`
	Engine        string            `help:"Engine: ${enum}." enum:"${engines}" default:"${engine}"`
	Model         string            `required:"" help:"Checkpoint to start from: a directory, or a name on a hub." placeholder:"DIR"`
	Configuration []string          `short:"c" help:"Configurations of the mix (default: all)." placeholder:"NAME"`
	Settings      string            `help:"TOML file of settings; train settings prints one." type:"existingfile" placeholder:"FILE"`
	Set           map[string]string `help:"A setting, over those of the file: --set learning_rate=1e-5." placeholder:"KEY=VALUE"`
	Name          string            `help:"Name of the runs, before the configuration's (default: the mix's)."`
	topologyFlags
	Print  bool `help:"Write the runs' files and print the commands that start them, and start nothing; needs no project."`
	DryRun bool `help:"Check everything, say what would be done, write nothing; needs no project."`
	Detach bool `short:"d" help:"Return once the first run has started. The others wait for a serve of this project, or for train resume."`
}

// Run checks every run before the first is started.
func (c trainStartCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	want, err := c.want(ctx, con, cfg)
	if err != nil {
		return err
	}
	if c.Print || c.DryRun || want.Topology.Launcher != train.Local {
		runs, err := want.Runs(func(name string) (string, error) { return name, nil })
		if err != nil {
			return err
		}
		if c.DryRun {
			return c.dryRun(con, want, runs)
		}
		return c.printed(ctx, con, want, runs)
	}
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if want.Mix, err = train.AddMix(ctx, d, "system", c.Mix); err != nil {
		return err
	}
	runs, err := want.Runs(func(name string) (string, error) { return train.FreeName(ctx, d, name) })
	if err != nil {
		return err
	}
	for i := range runs {
		con.warn(runs[i])
		if err := train.Add(ctx, d, "system", &runs[i]); err != nil {
			return err
		}
	}
	return c.start(ctx, con, d, runs)
}

// want reads what is wanted, and asks the engine what it is.
func (c trainStartCmd) want(ctx context.Context, con *console, cfg *Config) (w train.Want, err error) {
	host, err := cfg.host()
	if err != nil {
		return w, err
	}
	if w.Mix, err = train.ReadMix(c.Mix); err != nil {
		return w, err
	}
	if w.Engine, err = train.EngineNamed(c.Engine); err != nil {
		return w, err
	}
	w.Settings = train.Defaults()
	if c.Settings != "" {
		if w.Settings, err = train.ReadSettings(c.Settings); err != nil {
			return w, err
		}
	}
	if w.Settings, err = w.Settings.With(c.Set); err != nil {
		return w, err
	}
	if w.Model, err = modelPath(c.Model); err != nil {
		return w, err
	}
	w.Python = host.PythonOf(c.Engine)
	con.say("asking %s what is installed", w.Python)
	if w.Probe, err = w.Engine.Probe(ctx, w.Python); err != nil {
		return w, err
	}
	w.Python = w.Probe.Python
	w.Configurations, w.Name, w.Root, w.GPUHour = c.Configuration, c.Name, host.Runs, host.GPUHour
	w.Topology = c.topology(w.Probe)
	return w, nil
}

// modelPath makes a whole path of a directory that is there; another name is a hub's, or a mistake that
// the engine's check finds.
func modelPath(name string) (string, error) {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return filepath.Abs(real)
	}
	if strings.HasPrefix(name, ".") || filepath.IsAbs(name) || strings.HasPrefix(name, "~") {
		return "", errs.NotFoundf("there is no checkpoint at %s", name)
	}
	return name, nil
}

// say writes a line on stderr, where somebody may read it.
func (c *console) say(format string, a ...any) {
	if !c.quiet {
		fmt.Fprintf(c.err, format+"\n", a...)
	}
}

func (c *console) warn(r train.Run) {
	for _, w := range r.Warnings.V {
		fmt.Fprintf(c.err, "note: %s: %s\n", r.Configuration, w.Msg)
	}
}

// A trainPlan is what would be trained.
type trainPlan struct {
	Mix    string         `json:"mix"`
	Hash   string         `json:"mix_hash"`
	Engine string         `json:"engine"`
	Probe  train.Probe    `json:"probe"`
	Set    train.Settings `json:"settings"`
	Runs   []plannedRun   `json:"runs"`
}

type plannedRun struct {
	Name          string          `json:"name"`
	Configuration string          `json:"configuration"`
	Rows          int             `json:"rows"`
	Steps         int             `json:"steps"`
	Dir           string          `json:"dir"`
	Warnings      []train.Warning `json:"warnings"`
	Commands      []string        `json:"commands,omitempty"`
}

func (c trainStartCmd) plan(w train.Want, runs []train.Run) (p trainPlan, err error) {
	p = trainPlan{Mix: w.Mix.Path, Hash: w.Mix.Hash, Engine: w.Engine.Name(), Probe: w.Probe, Set: w.Settings}
	p.Probe.Keys, p.Probe.Templates, p.Probe.Reasoning = nil, nil, nil
	for _, r := range runs {
		conf, err := w.Mix.Manifest.V.Configuration(r.Configuration)
		if err != nil {
			return p, err
		}
		p.Runs = append(p.Runs, plannedRun{Name: r.Name, Configuration: r.Configuration, Rows: conf.Rows, Steps: w.Steps(conf), Dir: r.Dir, Warnings: r.Warnings.V})
	}
	return p, nil
}

func (c trainStartCmd) dryRun(con *console, w train.Want, runs []train.Run) error {
	p, err := c.plan(w, runs)
	if err != nil {
		return err
	}
	for _, r := range runs {
		con.warn(r)
	}
	return con.print(p, func(out io.Writer) error {
		t := table.New(fmt.Sprintf("%s would train from %s", w.Engine.Title(), w.Model), table.Text("run"), table.Num("rows"), table.Num("steps"), table.Text("directory"))
		for _, r := range p.Runs {
			t.Add(r.Name, r.Rows, r.Steps, r.Dir)
		}
		t.Note = fmt.Sprintf("%d rows a step over %d devices; nothing was written", w.Settings.Batch, w.Topology.World())
		return t.Terminal(out)
	})
}

// printed writes the runs' files and prints what starts them.
func (c trainStartCmd) printed(ctx context.Context, con *console, w train.Want, runs []train.Run) error {
	p, err := c.plan(w, runs)
	if err != nil {
		return err
	}
	for i, r := range runs {
		con.warn(r)
		files, err := w.Engine.Render(r.Job.V, w.Probe)
		if err != nil {
			return err
		}
		launch, err := train.LaunchOf(w.Engine, r.Job.V, w.Probe)
		if err != nil {
			return err
		}
		if err := train.WriteFiles(ctx, r.Dir, append(files, launch.Files...)); err != nil {
			return err
		}
		if err := train.WriteJob(ctx, r.Job.V); err != nil {
			return err
		}
		p.Runs[i].Commands = launch.Lines
	}
	return con.print(p, func(out io.Writer) error {
		for _, r := range p.Runs {
			if _, err := fmt.Fprintf(out, "# %s: %d rows, %d steps\n%s\n", r.Name, r.Rows, r.Steps, strings.Join(r.Commands, "\n")); err != nil {
				return err
			}
		}
		return nil
	})
}

// start starts the runs one after another and follows each; the devices are one run's at a time.
func (c trainStartCmd) start(ctx context.Context, con *console, d *db.DB, runs []train.Run) error {
	var done []train.Run
	for i, r := range runs {
		r, err := train.Begin(ctx, d, "system", r.ID)
		if err != nil {
			return err
		}
		con.say("%s: started, process %d, log %s", r.Name, r.Pid, r.LogPath())
		if c.Detach {
			for _, next := range runs[i+1:] { // after the first is under way: a serve would start one beside it
				if _, err := train.Queue(ctx, d, "system", next.ID); err != nil {
					return err
				}
			}
			if waiting := len(runs) - i - 1; waiting > 0 {
				con.say("%d runs wait: coigwriter serve starts them in turn where train.web is on, or coigwriter train resume NAME", waiting)
			}
			done = append(done, r)
			break
		}
		r, err = follow(ctx, con, d, r)
		if err != nil {
			return err
		}
		done = append(done, r)
		if r.State != train.Finished {
			break
		}
	}
	if err := con.print(done, func(w io.Writer) error { return runTable(ctx, d, done).Terminal(w) }); err != nil {
		return err
	}
	return outcome(done)
}

// outcome is the error of runs that did not end as they should.
func outcome(rs []train.Run) error {
	i := slices.IndexFunc(rs, func(r train.Run) bool { return r.Resumable() })
	if i < 0 {
		return nil
	}
	r := rs[i]
	if r.State == train.Stopped {
		return fmt.Errorf("%s was stopped; coigwriter train resume %s takes it up", r.Name, r.Name)
	}
	msg := r.Name + " failed: " + r.Reason
	if r.Advice != "" {
		msg += "; " + r.Advice
	}
	return errors.New(msg)
}
