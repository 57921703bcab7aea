"""Says, as one JSON document, what one engine's environment holds: python -c THIS ENGINE."""
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys

answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # libraries print while they are imported; that is not the answer

PACKAGES = ["llamafactory", "ms-swift", "trl", "transformers", "torch", "accelerate", "datasets", "peft",
            "tokenizers", "deepspeed", "flash-attn", "liger-kernel", "ray", "vllm", "sglang"]
MODULES = {"llamafactory": "llamafactory", "swift": "swift", "trl": "trl"}
engine = sys.argv[1]

versions = {}
for name in PACKAGES:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
out = {
    "python_version": platform.python_version(),
    "installed": importlib.util.find_spec(MODULES[engine]) is not None,
    "versions": versions,
    "visible": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
    "gpus": [],
}


def keys(*classes):
    return sorted({f.name for c in classes for f in dataclasses.fields(c) if f.init})


def llamafactory():
    from llamafactory import hparams
    from llamafactory.data import template

    out["keys"] = keys(hparams.ModelArguments, hparams.DataArguments, hparams.TrainingArguments,
                       hparams.FinetuningArguments, hparams.GeneratingArguments)
    out["templates"] = sorted(template.TEMPLATES)
    reasoning = getattr(template, "ReasoningTemplate", ())
    out["reasoning"] = sorted(k for k, t in template.TEMPLATES.items() if isinstance(t, reasoning))


def swift():
    from swift.arguments import SftArguments
    from swift.model import MODEL_MAPPING
    from swift.template import TEMPLATE_MAPPING

    out["keys"] = keys(SftArguments)
    out["models"] = sorted(MODEL_MAPPING)
    out["templates"] = sorted(TEMPLATE_MAPPING)
    out["reasoning"] = sorted(k for k, t in TEMPLATE_MAPPING.items() if getattr(t, "non_thinking_prefix", ""))


def trl():
    from trl import ModelConfig, ScriptArguments, SFTConfig
    from trl.scripts import sft

    mixture = getattr(sft, "DatasetMixtureConfig", None)
    out["keys"] = keys(*(c for c in (ScriptArguments, SFTConfig, ModelConfig, mixture) if c))


if out["installed"]:
    try:
        {"llamafactory": llamafactory, "swift": swift, "trl": trl}[engine]()
    except (Exception, SystemExit) as e:
        out["broken"] = f"{type(e).__name__}: {e}"
try:
    import torch

    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        out["gpus"].append({"name": p.name, "memory_mib": p.total_memory >> 20, "capability": f"{p.major}.{p.minor}"})
except Exception as e:
    out.setdefault("broken", f"torch: {type(e).__name__}: {e}")
json.dump(out, answer)
answer.flush()
