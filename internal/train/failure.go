package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Failure is why a run ended badly, by the words of the engine's log, and what to change.
type Failure struct {
	Key  string `json:"key"` // stable, for translation
	What string `json:"what"`
	Do   string `json:"do"`
	Line string `json:"line,omitempty"` // of the log, by which it was known
}

// failures are looked for in this order: what comes first explains what comes later, as when one process
// runs out of memory and the others lose it.
var failures = []struct {
	Failure
	said *regexp.Regexp
}{
	{
		Failure{Key: "gpu_memory", What: "the GPU's memory was not enough", Do: "lower per_device (and leave accumulation at 0) or max_length, set gradient_checkpointing = true, spread the weights with deepspeed = 3, or take tuning = \"lora\""},
		regexp.MustCompile(`CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED`),
	},
	{
		Failure{Key: "disk", What: "the disk is full", Do: "make room, lower keep, or train in a directory on another disk"},
		regexp.MustCompile(`No space left on device|Disk quota exceeded|\(error code: 28\)`),
	},
	{
		Failure{Key: "memory", What: "the machine's memory was not enough", Do: "lower workers, end other programs, or take a machine with more memory"},
		regexp.MustCompile(`DefaultCPUAllocator: can't allocate memory|Cannot allocate memory|^MemoryError|oom-kill|Signal 9 \(SIGKILL\)|exitcode *: *-9`),
	},
	{
		Failure{Key: "driver", What: "torch and the GPU's driver do not go together", Do: "update the driver, or install the build of torch for the driver's CUDA"},
		regexp.MustCompile(`NVIDIA driver on your system is too old|CUDA driver version is insufficient|Torch not compiled with CUDA|no kernel image is available|No CUDA GPUs are available`),
	},
	{
		Failure{Key: "weights", What: "the model's weights are damaged or not whole", Do: "fetch the checkpoint again"},
		regexp.MustCompile(`SafetensorError|HeaderTooSmall|HeaderTooLarge|MetadataIncompleteBuffer|InvalidHeaderDeserialization|PytorchStreamReader failed`),
	},
	{
		Failure{Key: "download", What: "something had to be fetched and could not be", Do: "fetch the model beforehand and give its directory"},
		regexp.MustCompile(`LocalEntryNotFoundError|OfflineModeIsEnabled|couldn't connect to|Cannot reach|IncompleteRead|Max retries exceeded|NameResolutionError`),
	},
	{
		Failure{Key: "attention", What: "the attention that was asked for is not installed", Do: "set attention = \"sdpa\", or install flash-attn"},
		regexp.MustCompile(`FlashAttention2 has been toggled on|flash_attn seems to be not installed|No module named 'flash_attn'`),
	},
	{
		Failure{Key: "template", What: "the chat template is not known or missing", Do: "set template to a name that the engine lists, or take a model whose tokenizer brings one"},
		regexp.MustCompile(`Template \S+ does not exist|chat_template is not set|template_type: .* not in`),
	},
	{
		Failure{Key: "port", What: "the port at which processes meet is taken", Do: "set port to another one"},
		regexp.MustCompile(`EADDRINUSE|[Aa]ddress already in use`),
	},
	{
		Failure{Key: "network", What: "processes on several GPUs or machines lost one another", Do: "look at the logs of the other processes first; then at the network between the machines (NCCL_DEBUG=INFO says more)"},
		regexp.MustCompile(`NCCL error|ncclSystemError|ncclInternalError|Watchdog caught collective operation timeout|Connection closed by peer|The client socket has timed out`),
	},
	{
		Failure{Key: "setting", What: "the engine does not know a setting", Do: "install the version that coigwriter names, and probe it again"},
		regexp.MustCompile(`Some specified arguments are not used|Some keys are not used|unrecognized arguments|TRL does not know these settings`),
	},
	{
		Failure{Key: "version", What: "a Python package is missing or of a version that the engine does not take", Do: "install the engine anew into an environment of its own"},
		regexp.MustCompile(`^(ImportError|ModuleNotFoundError)|is required for a normal functioning of this module|PackageNotFoundError|compiled with different CUDA versions`),
	},
}

// tail bounds how much of a log is looked at: an engine's last words.
const tail = 256 << 10

// Diagnose looks for why a run under a directory ended, or goes, badly: in the loss, then in the log's end.
// ok is false where nothing known is found.
func Diagnose(dir string, points []Point) (f Failure, ok bool, err error) {
	for _, p := range points {
		if p.NotFinite {
			return Failure{
				Key: "not_finite", What: fmt.Sprintf("the loss or its gradient became NaN or infinite at step %d", p.Step),
				Do: "lower learning_rate, lengthen warmup, or compute in bf16 or fp32 instead of fp16; the weights after that step are of no use",
			}, true, nil
		}
	}
	log, err := os.Open(filepath.Join(dir, LogFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f, false, nil
	} else if err != nil {
		return f, false, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return f, false, err
	}
	text, err := io.ReadAll(io.NewSectionReader(log, max(0, info.Size()-tail), tail))
	if err != nil {
		return f, false, err
	}
	f, ok = diagnose(string(text))
	return f, ok, nil
}

func diagnose(log string) (Failure, bool) {
	lines := strings.Split(log, "\n")
	for _, known := range failures {
		for i := len(lines) - 1; i >= 0; i-- {
			if line := strings.TrimSpace(lines[i]); known.said.MatchString(line) {
				f := known.Failure
				f.Line = strings.ToValidUTF8(line[:min(len(line), 500)], "")
				return f, true
			}
		}
	}
	return Failure{}, false
}
