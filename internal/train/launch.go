package train

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"coigwriter/internal/errs"
)

// A Launch is how a run gets onto machines that coigwriter does not reach: files beside the run's own, and
// what to type.
type Launch struct {
	Files []File
	Lines []string // for a shell, in order
}

// The files of a launch.
const (
	nodeFile       = "node.sh"
	slurmFile      = "run.slurm"
	kubernetesFile = "kubernetes.yaml"
)

// LaunchOf renders what a job's topology needs. A local run needs no file; its line is the command that
// coigwriter itself starts.
func LaunchOf(e Engine, j Job, p Probe) (Launch, error) {
	if err := j.Topology.Check(); err != nil {
		return Launch{}, err
	}
	switch j.Topology.Launcher {
	case Torchrun:
		return torchrunLaunch(e, j, p), nil
	case Slurm:
		return Launch{
			Files: []File{textFile(nodeFile, nodeScript(e, j, p)), textFile(slurmFile, slurmScript(j))},
			Lines: []string{"sbatch --chdir=" + shell(j.Dir) + " " + shell(filepath.Join(j.Dir, slurmFile))},
		}, nil
	case Ray:
		return rayLaunch(e, j, p)
	case Kubernetes:
		return kubernetesLaunch(e, j, p)
	default:
		return Launch{Lines: []string{e.Command(j, p, "").String()}}, nil
	}
}

func torchrunLaunch(e Engine, j Job, p Probe) Launch {
	l := Launch{Files: []File{textFile(nodeFile, nodeScript(e, j, p))}}
	script := shell(filepath.Join(j.Dir, nodeFile))
	for rank := range j.Topology.Nodes {
		if j.Topology.Nodes == 1 {
			l.Lines = append(l.Lines, "sh "+script)
		} else {
			l.Lines = append(l.Lines, fmt.Sprintf("NODE_RANK=%d MASTER_ADDR=%s sh %s", rank, shell(j.Topology.Master), script))
		}
	}
	return l
}

// fromHere stands for the checkpoint in a command while it becomes a line of a script.
const fromHere = "\x00from\x00"

// nodeScript starts the run on one machine, and anew where it was stopped: the cluster that starts it
// again need not know of checkpoints. It writes the same log and marker as a local run.
func nodeScript(e Engine, j Job, p Probe) string {
	start := e.Command(j, p, "")
	resume := e.Command(j, p, fromHere).Args[len(start.Args):]
	var more []string
	for _, word := range resume {
		before, after, _ := strings.Cut(word, fromHere)
		quoted := `"$from"`
		if !strings.Contains(word, fromHere) {
			before, quoted = word, ""
		}
		if before != "" {
			quoted = shell(before) + quoted
		}
		if after != "" {
			quoted += shell(after)
		}
		more = append(more, quoted)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/sh
# Starts a run on one machine; written by coigwriter. Started again, it goes on from the newest checkpoint.
set -eu
cd "$(dirname "$0")"
rank=${NODE_RANK:-${SLURM_NODEID:-${JOB_COMPLETION_INDEX:-0}}}
`)
	for _, kv := range start.Env {
		key, value, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&b, "export %s=%s\n", key, shell(value))
	}
	if j.Topology.Nodes > 1 {
		fmt.Fprintf(&b, `export NODE_RANK="$rank" PET_NODE_RANK="$rank"
export MASTER_ADDR="${MASTER_ADDR:?set it to the address of the first machine}" MASTER_PORT=%d
export PET_MASTER_ADDR="$MASTER_ADDR" PET_MASTER_PORT="$MASTER_PORT"
`, j.Topology.MeetingPort())
	}
	fmt.Fprintf(&b, `newest=0
for state in out/checkpoint-*/trainer_state.json; do
  [ -f "$state" ] || continue
  step=${state#out/checkpoint-}
  step=${step%%/trainer_state.json}
  if [ "$step" -gt "$newest" ]; then newest=$step; fi
done
set -- %s
if [ "$newest" -gt 0 ]; then
  from=out/checkpoint-$newest
  set -- "$@" %s
fi
log=%s
if [ "$rank" = 0 ]; then rm -f %[4]s; else log=engine-$rank.log; fi
"$@" >>"$log" 2>&1 &
child=$!
trap 'kill -TERM "$child" 2>/dev/null || true' TERM INT
code=0
wait "$child" || code=$?
if kill -0 "$child" 2>/dev/null; then # the wait was cut short by a signal, which went on to the engine
  code=0
  wait "$child" || code=$?
fi
if [ "$rank" = 0 ]; then
  printf '{"exit":%%d}\n' "$code" >%[4]s.tmp
  mv %[4]s.tmp %[4]s
fi
exit "$code"
`, shellAll(start.Args), strings.Join(more, " "), LogFile, ExitFile)
	return b.String()
}

func slurmScript(j Job) string {
	t := j.Topology
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# A batch script for Slurm; written by coigwriter. A job that was preempted goes on from its newest checkpoint.\n")
	option := func(format string, a ...any) { fmt.Fprintf(&b, "#SBATCH --"+format+"\n", a...) }
	option("job-name=%s", dnsName(j.Name))
	option("nodes=%d", t.Nodes)
	option("ntasks-per-node=1")
	if !j.Settings.CPU {
		option("gpus-per-node=%d", t.GPUs)
	}
	if t.CPUs > 0 {
		option("cpus-per-task=%d", t.CPUs)
	}
	for _, o := range []struct{ name, value string }{{"mem", t.Memory}, {"partition", t.Partition}, {"account", t.Account}, {"time", t.Time}} {
		if o.value != "" {
			option("%s=%s", o.name, o.value)
		}
	}
	option("output=slurm-%%j.log")
	option("open-mode=append")
	option("requeue")
	fmt.Fprintf(&b, `set -eu
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_ADDR
exec srun --kill-on-bad-exit=1 sh %s
`, shell(filepath.Join(j.Dir, nodeFile)))
	return b.String()
}

// rayLaunch submits the run as a job of a Ray cluster.
func rayLaunch(e Engine, j Job, p Probe) (Launch, error) {
	t := j.Topology
	if t.Nodes > 1 && !e.SpreadsByRay() {
		return Launch{}, errs.Fields(errs.Field{Name: "launcher", Msg: e.Title() + " cannot spread a run over a Ray cluster's machines; take one machine, LLaMA-Factory, or another launcher"})
	}
	line := []string{"ray", "job", "submit", "--no-wait"}
	if t.Address != "" {
		line = append(line, "--address", t.Address)
	}
	if t.Nodes == 1 && !j.Settings.CPU { // over several, the engine asks Ray for its GPUs itself
		line = append(line, fmt.Sprintf("--entrypoint-num-gpus=%d", t.GPUs))
	}
	line = append(line, "--", "sh", filepath.Join(j.Dir, nodeFile))
	if t.Nodes > 1 {
		j.Topology.Nodes = 1 // the script runs once, on whichever machine Ray takes
		script := nodeScript(rayEngine{e, t}, j, p)
		return Launch{Files: []File{textFile(nodeFile, script)}, Lines: []string{shellAll(line)}}, nil
	}
	return Launch{Files: []File{textFile(nodeFile, nodeScript(e, j, p))}, Lines: []string{shellAll(line)}}, nil
}

// rayEngine makes the command for all machines in a script that runs on one.
type rayEngine struct {
	Engine
	topology Topology
}

func (e rayEngine) Command(j Job, p Probe, from string) Command {
	j.Topology = e.topology
	return e.Engine.Command(j, p, from)
}

// kubernetesLaunch is one Job with a pod a machine. It needs nothing installed in the cluster: each pod
// knows its index, and a headless service gives the first one a name.
func kubernetesLaunch(e Engine, j Job, p Probe) (Launch, error) {
	t := j.Topology
	for _, at := range []struct{ key, path string }{{"dir", j.Dir}, {"model", j.Model}} {
		if filepath.IsAbs(at.path) && !below(t.Mount, at.path) {
			return Launch{}, errs.Fields(errs.Field{Name: at.key, Msg: fmt.Sprintf("%s is not below %s, where the claim is mounted: pods would not find it", at.path, t.Mount)})
		}
	}
	if !below(t.Mount, j.Python) {
		j.Python = "python3" // the image's
	}
	name, many := dnsName(j.Name), t.Nodes > 1
	var b strings.Builder
	b.WriteString("# A run for Kubernetes; written by coigwriter.\n")
	meta := func(indent string) {
		fmt.Fprintf(&b, "%smetadata:\n%s  name: %s\n", indent, indent, name)
		if t.Namespace != "" {
			fmt.Fprintf(&b, "%s  namespace: %s\n", indent, yamlString(t.Namespace))
		}
	}
	if many {
		b.WriteString("apiVersion: v1\nkind: Service\n")
		meta("")
		fmt.Fprintf(&b, "spec:\n  clusterIP: None\n  publishNotReadyAddresses: true\n  selector:\n    job-name: %s\n---\n", name)
	}
	b.WriteString("apiVersion: batch/v1\nkind: Job\n")
	meta("")
	retries, restart := 3, "OnFailure" // a pod that fails goes on from the newest checkpoint
	if many {
		retries, restart = 0, "Never" // one pod cannot come back to the others: start the Job again
	}
	fmt.Fprintf(&b, "spec:\n  completionMode: Indexed\n  completions: %d\n  parallelism: %d\n  backoffLimit: %d\n  template:\n    spec:\n      restartPolicy: %s\n", t.Nodes, t.Nodes, retries, restart)
	if many {
		fmt.Fprintf(&b, "      subdomain: %s\n", name)
	}
	fmt.Fprintf(&b, "      containers:\n        - name: train\n          image: %s\n          command: [\"sh\", %s]\n", yamlString(t.Image), yamlString(path.Join(filepath.ToSlash(j.Dir), nodeFile)))
	if many {
		fmt.Fprintf(&b, "          env:\n            - name: MASTER_ADDR\n              value: %s-0.%s\n", name, name)
	}
	var limits strings.Builder
	if !j.Settings.CPU {
		fmt.Fprintf(&limits, "              nvidia.com/gpu: %d\n", t.GPUs)
	}
	if t.CPUs > 0 {
		fmt.Fprintf(&limits, "              cpu: %d\n", t.CPUs)
	}
	if t.Memory != "" {
		fmt.Fprintf(&limits, "              memory: %s\n", yamlString(t.Memory))
	}
	if limits.Len() > 0 {
		b.WriteString("          resources:\n            limits:\n" + limits.String())
	}
	fmt.Fprintf(&b, `          volumeMounts:
            - name: work
              mountPath: %s
            - name: shm
              mountPath: /dev/shm
      volumes:
        - name: work
          persistentVolumeClaim:
            claimName: %s
        - name: shm
          emptyDir:
            medium: Memory
`, yamlString(filepath.ToSlash(t.Mount)), yamlString(t.Claim))
	return Launch{
		Files: []File{textFile(nodeFile, nodeScript(e, j, p)), textFile(kubernetesFile, b.String())},
		Lines: []string{"kubectl apply -f " + shell(filepath.Join(j.Dir, kubernetesFile))},
	}, nil
}
