package train

import (
	"strings"
	"testing"
)

func TestDiagnose(t *testing.T) {
	for line, want := range map[string]string{
		"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.1 GiB":                         "gpu_memory",
		"OSError: [Errno 28] No space left on device":                                                                                            "disk",
		"RuntimeError: [enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0; No space left on device":                              "disk",
		"RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes": "memory",
		"traceback : Signal 9 (SIGKILL) received by PID 4711":                                                                                    "memory",
		"RuntimeError: The NVIDIA driver on your system is too old (found version 11040).":                                                       "driver",
		"safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer":                                           "weights",
		"huggingface_hub.errors.LocalEntryNotFoundError: Cannot find the requested files in the disk cache":                                      "download",
		"ImportError: FlashAttention2 has been toggled on, but it cannot be used":                                                                "attention",
		"ValueError: Template qwen9 does not exist.":                                                                                             "template",
		"torch.distributed.DistNetworkError: The server socket has failed to listen on any local network address. EADDRINUSE":                    "port",
		"torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, unhandled system error":                                   "network",
		"ValueError: Some keys are not used by the HfArgumentParser: ['enable_thinking']":                                                        "setting",
		"ModuleNotFoundError: No module named 'json_repair'":                                                                                     "version",
		"{'loss': '2.31', 'epoch': '0.03'}":                                                                                                      "",
		"a story about memory, a network, and a port":                                                                                            "",
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{LogFile: strings.Repeat("step\n", 100_000) + "Traceback (most recent call last):\n" + line + "\nit ended\n"})
		f, ok, err := Diagnose(dir, nil)
		if err != nil || ok != (want != "") || f.Key != want || ok && (f.Line != line || f.What == "" || f.Do == "") {
			t.Errorf("%s: got %+v, %v, %v; want %q", line, f, ok, err, want)
		}
	}
	if _, ok, err := Diagnose(t.TempDir(), nil); ok || err != nil {
		t.Errorf("without a log: %v, %v", ok, err)
	}
	// One process runs out of memory, and the others lose it: the first is the cause.
	both := "CUDA out of memory\nNCCL error in: x\nSignal 9 (SIGKILL) received by PID 1\n"
	if f, ok := diagnose(both); !ok || f.Key != "gpu_memory" {
		t.Errorf("got %+v", f)
	}
	seen := map[string]bool{}
	for _, f := range failures {
		if seen[f.Key] {
			t.Errorf("two failures are called %s", f.Key)
		}
		seen[f.Key] = true
	}
}
