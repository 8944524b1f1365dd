# Everything runs in an environment of its own, so nothing has to be installed by hand.
# PYTHON is any Python >= 3.11; VENV is where the environment goes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Two workers: what the smallest machine has.
WORKERS ?= 2
# Python compiles what it imports, once; pip would compile all of torch, a minute on one core.
PIP_OPTIONS := --quiet --disable-pip-version-check --no-compile -c constraints.txt

.PHONY: demo test test-only test-quick test-slow prove bench peers bitstreams lint docs schema clean packages mutate \
  fuzz test-matrix

demo: $(VENV)/.installed
	$(BIN)/rheobase demo --output build/demo

test: $(VENV)/.installed-test packages
	$(MAKE) -j2 lint test-only

# Without what is marked as slow.
test-only: $(VENV)/.installed-test packages
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

# Small components in Amaranth's own simulator: seconds, and no C++ compiler.
test-quick: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m quick tests/hw

# Random networks in greater number and larger sets of images.
test-slow: $(VENV)/.installed-test packages
	$(BIN)/python -m pytest -n $(WORKERS) -m slow

# Every proof about the stream components, as a table; docs/formal.md says what they are.
prove: $(VENV)/.installed-test
	$(BIN)/python -m tests.formal.proofs

# Changes single operators of ROOM (hw or golden), drawn at random, and says which of them no test notices.
SEED ?= 0
COUNT ?= 28
ROOM ?= hw
mutate: $(VENV)/.installed-test
	$(BIN)/python -m tests.support.mutation.mutate --room $(ROOM) --seed $(SEED) --count $(COUNT)

# Each parser for SECONDS with Atheris; what it finds is kept in build/fuzz, docs/testing.md.
SECONDS ?= 60
PARSERS ?= network float nir onnx frame picture
fuzz: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=3,<4'
	set -e; for parser in $(PARSERS); do \
	  $(BIN)/python -m tests.support.fuzz.guided $$parser $(SECONDS); done

# Both ends of each dependency's range, on each Python that is installed (noxfile.py).
test-matrix: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'nox>=2025.2.9' 'uv>=0.5'
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/nox --envdir build/nox

# One line of JSON per figure. DATA_ROOT is the folder above torchvision's MNIST folder; SHARED has
# ResNet-20 and its images, whose figures are skipped without it.
SHARED ?= ../shared
DATA_ROOT ?= $(SHARED)/data
bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.golden
	$(BIN)/python -m benchmarks.mnist --data-root $(DATA_ROOT)
	$(BIN)/python -m benchmarks.converter --shared $(SHARED)
	$(BIN)/python -m benchmarks.resnet20 --shared $(SHARED)
	$(BIN)/python -m benchmarks.squeezenet --shared $(SHARED)

# The same networks in SpikingJelly, which brings large packages of its own along, and MNIST's as
# da4ml's adder graphs, where MNIST is below DATA_ROOT: an hour and more, most of it nextpnr's.
peers: $(VENV)/.installed-test $(if $(wildcard $(DATA_ROOT)/MNIST),build/mnist-radix.safetensors)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]'
	$(BIN)/python -m benchmarks.spikingjelly --shared $(SHARED) --only digits
	$(if $(wildcard $(DATA_ROOT)/MNIST),$(BIN)/python -m benchmarks.peers \
	  build/mnist-radix.safetensors --data-root $(DATA_ROOT))

# The demo's and MNIST's radix networks on every board, with hashes and a README.md, in
# build/bitstreams: hours. What an earlier run has built is kept. BOARDS=a,b takes some boards alone;
# without MNIST below DATA_ROOT the demo's is built alone.
BOARDS ?=
bitstreams: build/demo/network-radix.safetensors $(if $(wildcard $(DATA_ROOT)/MNIST),build/mnist-radix.safetensors)
	$(BIN)/python -m benchmarks.bitstreams $^ -o build/bitstreams $(if $(BOARDS),--boards $(BOARDS))

build/demo/network-radix.safetensors: | $(VENV)/.installed
	$(BIN)/rheobase demo --output build/demo

build/mnist-radix.safetensors: | $(VENV)/.installed
	$(BIN)/python examples/mnist.py --data-root $(DATA_ROOT) --output build/mnist.safetensors
	$(BIN)/rheobase convert examples/mnist.py:cnn --weights build/mnist.safetensors \
	  --images MNIST --data-root $(DATA_ROOT) --coding radix -T 3 --weight-bits 4 -o $@

# pyproject.toml says which folders the types of are checked.
lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/vulture
	$(BIN)/basedpyright --pythonpath $(BIN)/python

# The JSON Schema of what `--json` prints, made of the classes of rheobase/results.
schema: $(VENV)/.installed-test
	$(BIN)/python -m tests.support.result_schema

# The documentation as pages to browse, in build/site; every link in it is followed.
docs: $(VENV)/.installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf build $(VENV)

# What is no wheel: the simulator of the four-state tests, the browser that opens the report's page,
# and what compresses waveforms. Without simulator or browser their tests are skipped, or fail where
# CI is "true"; without lz4 waveforms are VCD.
PACKAGES := iverilog chromium liblz4-dev zlib1g-dev
packages:
	@{ command -v iverilog >/dev/null && command -v chromium >/dev/null && \
	    printf '#include <lz4.h>\n#include <zlib.h>\n' | c++ -x c++ -fsyntax-only - 2>/dev/null; } || \
	  { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get -qq update && \
	    apt-get -qq install -y --no-install-recommends $(PACKAGES); } || \
	  echo "some tests need: apt-get install $(PACKAGES)" >&2

$(VENV)/bin/python:
	@command -v c++ >/dev/null || command -v g++ >/dev/null || \
	  { echo "a C++ compiler is needed: apt-get install g++ make" >&2; exit 2; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed")'
	$(PYTHON) -m venv $(VENV) || \
	  { echo "venv is needed: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 2; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install $(PIP_OPTIONS) -e '.[all]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install $(PIP_OPTIONS) -e '.[test]'
	touch $@
