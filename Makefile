# The checks that are one word long; everything else is a go command (CONTRIBUTING.md).

.PHONY: gpu
gpu: ## the five configurations from one random checkpoint to a report; DEVICE=cpu without a GPU
	@bash .ci/gpu
