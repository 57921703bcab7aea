"""Runs TRL's own script for supervised fine-tuning and adds what it lacks.

TRL's script cannot resume, writes no progress for programs to read, and leaves no files that say it is
done. This adds the three around SFTTrainer.train; all else is TRL's. Written by coigwriter.

    python trl_runner.py --config train.yaml [--resume_from_checkpoint out/checkpoint-N]
"""
import datetime
import json
import os
import sys
import time

import torch
from transformers import TrainerCallback
from trl import SFTTrainer
from trl.scripts import sft


class Progress(TrainerCallback):
    """Appends one JSON line a log step to progress.jsonl in the output directory."""

    def __init__(self, rows):
        self.rows = rows

    def write(self, args, line):
        os.makedirs(args.output_dir, exist_ok=True)
        with open(os.path.join(args.output_dir, "progress.jsonl"), "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def on_train_begin(self, args, state, control, **kwargs):
        self.begun, self.first = time.monotonic(), state.global_step
        if state.is_world_process_zero:
            self.write(args, {"rows": self.rows, "steps": state.max_steps})

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not state.is_world_process_zero or "loss" not in (logs or {}):
            return
        elapsed = time.monotonic() - self.begun
        taken = max(1, state.global_step - self.first)
        self.write(args, {
            "step": state.global_step,
            "steps": state.max_steps,
            "epoch": state.epoch,
            "loss": logs["loss"],
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": logs.get("grad_norm"),
            "tokens": logs.get("num_tokens"),
            "elapsed": elapsed,
            "remaining": elapsed / taken * (state.max_steps - state.global_step),
            "memory_mib": torch.cuda.max_memory_reserved() >> 20 if torch.cuda.is_available() else None,
            "at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        })


train = SFTTrainer.train


def resumable(self, *args, **kwargs):
    self.add_callback(Progress(len(self.train_dataset)))
    result = train(self, resume_from_checkpoint=self.args.resume_from_checkpoint)
    self.save_metrics("train", result.metrics)
    self.save_state()
    return result


if __name__ == "__main__":
    SFTTrainer.train = resumable
    *parsed, unknown = sft.make_parser().parse_args_and_config(return_remaining_strings=True)
    if unknown:
        sys.exit(f"TRL does not know these settings: {unknown}")
    sft.main(*parsed)
