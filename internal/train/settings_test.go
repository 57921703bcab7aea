package train

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldsDescribeEverySetting(t *testing.T) {
	var keys, described []string
	s := reflect.TypeFor[Settings]()
	for i := range s.NumField() {
		f := s.Field(i)
		if f.Tag.Get("json") != f.Tag.Get("toml") {
			t.Errorf("%s has one name in JSON and another in TOML", f.Name)
		}
		keys = append(keys, f.Tag.Get("json"))
	}
	for _, f := range Fields {
		described = append(described, f.Key)
	}
	if diff := cmp.Diff(keys, described); diff != "" {
		t.Error(diff)
	}
	if err := Defaults().Check(); err != nil {
		t.Error("the defaults are refused:", err)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		batch, perDevice, accumulation, world int
		want                                  Split
		refused                               string
	}{
		{batch: 32, perDevice: 1, world: 1, want: Split{1, 32, 1}},
		{batch: 32, perDevice: 2, world: 8, want: Split{2, 2, 8}},
		{batch: 32, perDevice: 1, accumulation: 4, world: 8, want: Split{1, 4, 8}},
		{batch: 32, perDevice: 4, accumulation: 4, world: 8, refused: "128 rows a step, not the batch of 32; the nearest that work: per_device 4 and accumulation 1"},
		{batch: 32, perDevice: 3, world: 1, refused: "the nearest that work: per_device 2 and accumulation 16"},
		{batch: 32, perDevice: 1, world: 6, refused: "4 devices with per_device 1 and accumulation 8, or a batch of 30 on 6"},
		{batch: 32, perDevice: 1, world: 64, refused: "32 devices with per_device 1 and accumulation 1, or a batch of 64 on 64"},
		{batch: 0, perDevice: 1, world: 1, refused: "positive"},
	} {
		s := Settings{Batch: c.batch, PerDevice: c.perDevice, Accumulation: c.accumulation}
		got, err := s.Split(c.world)
		if got != c.want || (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%+v on %d: got %+v, %v; want %+v, %q", s, c.world, got, err, c.want, c.refused)
		}
	}
}

// The paper's five configurations at batch 32 and three epochs.
func TestSteps(t *testing.T) {
	for rows, want := range map[int]int{1665: 159, 2665: 252, 6665: 627, 11665: 1095, 10000: 939} {
		s := Defaults()
		for _, world := range []int{1, 2, 8, 32} {
			sp, err := s.Split(world)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Steps(rows, sp); got != want {
				t.Errorf("%d rows on %d devices: got %d steps, want %d", rows, world, got, want)
			}
		}
	}
}

func TestSettingsAndTopologyAreChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*Settings)
		bad    string
	}{
		{func(s *Settings) { s.Epochs = 0 }, "epochs"},
		{func(s *Settings) { s.LearningRate = 2 }, "learning_rate"},
		{func(s *Settings) { s.Optimizer = "sgd" }, "optimizer"},
		{func(s *Settings) { s.Scheduler = "cosin" }, "scheduler"},
		{func(s *Settings) { s.Warmup = 30 }, "warmup"},
		{func(s *Settings) { s.Save, s.SaveSteps = "steps", 0 }, "save_steps"},
		{func(s *Settings) { s.CPU, s.DeepSpeed = true, 3 }, "deepspeed"},
	} {
		s := Defaults()
		c.change(&s)
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), c.bad+":") {
			t.Errorf("%s: got %v", c.bad, err)
		}
	}
	for _, c := range []struct {
		t   Topology
		bad string
	}{
		{Topology{Launcher: Local, Nodes: 1, GPUs: 1}, ""},
		{Topology{Launcher: "cloud", Nodes: 1, GPUs: 1}, "launcher"},
		{Topology{Launcher: Local, Nodes: 2, GPUs: 1}, "nodes"},
		{Topology{Launcher: Torchrun, Nodes: 2, GPUs: 8}, "master"},
		{Topology{Launcher: Kubernetes, Nodes: 2, GPUs: 8, Image: "x"}, "claim"},
	} {
		err := c.t.Check()
		if (err != nil) != (c.bad != "") || err != nil && !strings.HasPrefix(err.Error(), c.bad+":") {
			t.Errorf("%+v: got %v, want %q", c.t, err, c.bad)
		}
	}
}
