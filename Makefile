# make help lists what there is. Works with GNU make 3.81 and newer; needs Python 3.10 or newer.
.DEFAULT_GOAL := help
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export JUPYTER_PLATFORM_DIRS := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.PHONY: help run test setup guard prep badges clean-nbs export readme docs hooks resolve commands distclean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

run: setup  ## run the tutorial and every workbook on its sample; results, a report and a page that runs basegun's model land in runs/
	@.venv/bin/nb_run nbs/tutorial.ipynb && .venv/bin/nb_run all
	@.venv/bin/nb_page $$(ls -td runs/basegun-*/ | head -n 1) || echo "No page was made; all else is there."
	@echo "Look at runs/report.html (all runs) and runs/ledger.csv (one row a run)."

test: setup  ## every check; the last line says N passed, N failed
	@$(PY) .ci/check.py

setup:  ## make .venv and install into it (once)
	@set -- $(PYTHON); \
	if [ $$# -gt 0 ]; then exec "$$@" .ci/bootstrap.py --explicit; fi; \
	for p in $(PY) python3.13 python3.12 python3.11 python3.10 python3 python3.14; do \
	  "$$p" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 10))' >/dev/null 2>&1 && exec "$$p" .ci/bootstrap.py; \
	done; \
	for p in python3 python python2; do \
	  "$$p" -c '' >/dev/null 2>&1 && exec "$$p" .ci/bootstrap.py; \
	done; \
	echo "No Python was found. Install Python 3.10 or newer from https://www.python.org/downloads/ and run make again."; exit 1

guard: setup  ## only the quick checks of the notebooks' shape (seconds)
	@$(PY) .ci/check.py guard

prep: setup badges clean-nbs export readme  ## before a commit: badges, clean, export, README

badges: setup  ## write user, repo and branch of settings.ini into all notebooks, modules and the README
	@$(PY) .ci/badges.py
	@.venv/bin/nbdev_clean && .venv/bin/nbdev_export
	@$(PY) .ci/readme.py

clean-nbs: setup  ## strip what a notebook should not store (nbdev_clean)
	@.venv/bin/nbdev_clean

export: setup  ## write nb_helpers/ from the notebooks (nbdev_export)
	@.venv/bin/nbdev_export

readme: setup  ## write README.md from nbs/index.ipynb
	@$(PY) .ci/readme.py

docs: .venv-docs/installed  ## the notebooks and the signatures as a website, site/index.html (its tools go into .venv-docs)
	@.venv-docs/bin/python docs/collect.py . build/docs
	@.venv-docs/bin/sphinx-build -q -j auto -W --keep-going -d build/doctrees -c docs build/docs build/site
	@rm -rf site && cp -R build/site site
	@echo "Look at site/index.html."

.venv-docs/installed: docs/requirements.txt
	@set -- $(PYTHON) python3.13 python3.12 python3.11 python3.10 python3 python3.14; \
	for p in "$$@"; do \
	  "$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] < (3, 10))' >/dev/null 2>&1 || continue; \
	  "$$p" -m venv --clear .venv-docs && \
	  .venv-docs/bin/python -m pip install -q --disable-pip-version-check -r docs/requirements.txt && touch $@; exit; \
	done; \
	echo "No Python 3.10 or newer with venv was found. Install one from https://www.python.org/downloads/ and run make docs again."; exit 1

hooks: setup  ## let git clean and merge notebooks by itself (nbdev_install_hooks)
	@.venv/bin/nbdev_install_hooks

resolve: setup  ## ask the registry whether our requirements leave Colab's versions alone (a minute, network)
	@$(PY) .ci/resolve.py

commands: setup  ## the README's commands, word for word, with the wheel alone in an empty environment (10 minutes, network)
	@$(PY) .ci/commands.py

distclean:  ## remove .venv and other things that can be made again
	@rm -rf .venv .venv.lock .venv-docs build site nb_helpers.egg-info
