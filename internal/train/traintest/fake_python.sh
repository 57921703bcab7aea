#!/bin/sh
# A fake: speaks LLaMA-Factory's file protocol and trains nothing. Its losses are made up and fall evenly.
#
# A step is logged once its checkpoint lies there, so that whoever has read of it may stop the fake.
#
# FAKE_ENGINE_HOLD names a file: at its third step the fake waits until that is there.
# FAKE_ENGINE_SAY is printed at the third step, and the fake ends with code 1.
if [ "$1" = -c ]; then
  printf '{"python_version":"3.11.0","installed":%s,"versions":{"%s":"0.9.4","transformers":"4.57.1","torch":"2.11.0"},"gpus":[]}\n' \
    "$([ "$3" = llamafactory ] && echo true || echo false)" "$3"
  exit 0
fi
yaml=$3
from=0
for word in "$@"; do
  case $word in resume_from_checkpoint=*) from=${word##*checkpoint-} ;; esac
done
value() { sed -n "s/^$1: *//p" "$yaml" | tr -d '"'; }
steps=$(value max_steps)
every=$(value save_steps)
model=$(value model_name_or_path)
mkdir -p out
echo "***** Running training *****"
echo "  Num examples = $(wc -l <data/train.jsonl)"
step=$from
while [ "$step" -lt "$steps" ]; do
  step=$((step + 1))
  if [ "$step" = 3 ] && [ -n "$FAKE_ENGINE_SAY" ]; then
    echo "$FAKE_ENGINE_SAY"
    exit 1
  fi
  while [ "$step" = 3 ] && [ -n "$FAKE_ENGINE_HOLD" ] && [ ! -e "$FAKE_ENGINE_HOLD" ]; do sleep 0.05; done
  if [ -n "$every" ] && [ $((step % every)) = 0 ]; then
    mkdir -p "out/checkpoint-$step"
    cp "$model/model.safetensors" "out/checkpoint-$step/"
    printf '{"global_step":%d,"max_steps":%d}\n' "$step" "$steps" >"out/checkpoint-$step/trainer_state.json"
  fi
  printf '{"current_steps":%d,"total_steps":%d,"loss":%s,"lr":1e-05,"epoch":0.%d,"elapsed_time":"0:00:%02d","remaining_time":"0:00:%02d"}\n' \
    "$step" "$steps" "$(awk "BEGIN{print 4-$step/$steps}")" "$step" "$step" "$((steps - step))" >>out/trainer_log.jsonl
done
cp "$model/model.safetensors" "$model/config.json" "$model/tokenizer.json" out/
printf '{"global_step":%d,"max_steps":%d}\n' "$steps" "$steps" >out/trainer_state.json
echo '{"train_loss":3.4,"train_runtime":2.5}' >out/all_results.json
