package train

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
)

// A Launcher is what brings a run onto its machines.
type Launcher string

// The launchers. [Local] is started and followed by coigwriter; the others are printed, for whoever may
// submit to the cluster.
const (
	Local      Launcher = "local"      // processes on this machine
	Torchrun   Launcher = "torchrun"   // one command on each of several machines
	Slurm      Launcher = "slurm"      // a batch script
	Ray        Launcher = "ray"        // a job of a Ray cluster
	Kubernetes Launcher = "kubernetes" // a manifest
)

// Launchers lists them in the order of a form.
var Launchers = []Launcher{Local, Torchrun, Slurm, Ray, Kubernetes}

// A Topology is where a run's processes stand. What belongs to another launcher is ignored.
type Topology struct {
	Launcher Launcher `json:"launcher" toml:"launcher"`
	Nodes    int      `json:"nodes" toml:"nodes"`               // machines
	GPUs     int      `json:"gpus" toml:"gpus"`                 // of each machine; on CPU the processes of each
	Devices  string   `json:"devices,omitempty" toml:"devices"` // which GPUs, as CUDA_VISIBLE_DEVICES names them; "" for the first

	Master string `json:"master,omitempty" toml:"master"` // torchrun: address of the first machine, as the others see it
	Port   int    `json:"port,omitempty" toml:"port"`     // where processes meet; 0 for 29500

	Partition string `json:"partition,omitempty" toml:"partition"` // slurm
	Account   string `json:"account,omitempty" toml:"account"`     // slurm
	Time      string `json:"time,omitempty" toml:"time"`           // slurm: limit, as sbatch writes it
	CPUs      int    `json:"cpus,omitempty" toml:"cpus"`           // slurm, kubernetes: processor cores of each machine
	Memory    string `json:"memory,omitempty" toml:"memory"`       // slurm, kubernetes: of each machine, in the launcher's own spelling

	Address string `json:"address,omitempty" toml:"address"` // ray: of the cluster's job server

	Namespace string `json:"namespace,omitempty" toml:"namespace"` // kubernetes
	Image     string `json:"image,omitempty" toml:"image"`         // kubernetes: with the engine installed
	Claim     string `json:"claim,omitempty" toml:"claim"`         // kubernetes: the volume claim with the run's directory and the model
	Mount     string `json:"mount,omitempty" toml:"mount"`         // kubernetes: where the claim is mounted: the run's directory and the model are below it, here and there
}

// World is the number of processes, each with one device.
func (t Topology) World() int { return t.Nodes * t.GPUs }

// MeetingPort is the port at which processes meet.
func (t Topology) MeetingPort() int {
	if t.Port == 0 {
		return 29500
	}
	return t.Port
}

// Check returns what is missing or wrong.
func (t Topology) Check() error {
	var bad []errs.Field
	say := func(ok bool, key, format string, a ...any) {
		if !ok {
			bad = append(bad, errs.Field{Name: key, Msg: fmt.Sprintf(format, a...)})
		}
	}
	say(slices.Contains(Launchers, t.Launcher), "launcher", "%q is not one of %q", t.Launcher, Launchers)
	say(t.Nodes > 0, "nodes", "%d is not above 0", t.Nodes)
	say(t.GPUs > 0, "gpus", "%d is not above 0", t.GPUs)
	say(t.Port >= 0 && t.Port < 1<<16, "port", "%d is not a port", t.Port)
	for key, word := range map[string]string{
		"devices": t.Devices, "master": t.Master, "partition": t.Partition, "account": t.Account, "time": t.Time, "memory": t.Memory,
		"address": t.Address, "namespace": t.Namespace, "image": t.Image, "claim": t.Claim,
	} {
		say(!strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f }), key, "%q has a space or a control character in it", word)
	}
	say(t.CPUs >= 0, "cpus", "%d is below 0", t.CPUs)
	say(t.Launcher != Local || t.Nodes == 1, "nodes", "a local run has one machine, not %d; choose another launcher", t.Nodes)
	say(t.Launcher != Torchrun || t.Nodes == 1 || t.Master != "", "master", "give the address of the first machine, at which the others meet it")
	say(t.Launcher != Kubernetes || t.Image != "", "image", "give a container image in which the engine is installed")
	say(t.Launcher != Kubernetes || t.Claim != "", "claim", "give the persistent volume claim that holds the run's directory and the model")
	say(t.Launcher != Kubernetes || filepath.IsAbs(t.Mount), "mount", "give the absolute path at which the claim is mounted")
	return errs.Fields(bad...)
}
