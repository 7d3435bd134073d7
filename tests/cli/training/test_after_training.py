"""What one does with a finished run: report, merge, sample."""

import base64
import hashlib
import json
import re

import pytest
from transformers import AutoModelForCausalLM

from tests.cli.run import leanrl, tiny_overrides


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    outcome = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model), "--run-dir", folder)
    assert outcome.code == 0, outcome.err
    return folder


def test_report_writes_a_page_that_needs_nothing_else(run, tmp_path):
    outcome = leanrl("report", run, "--out", tmp_path / "report")
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "report" / "index.html").read_text()
    assert outcome.out.strip() == str(tmp_path / "report" / "index.html")
    assert "http://" not in page.replace("http://www.w3.org", "")
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    policy_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{policy_hash}'" in page
    others = [kind for kind in re.findall(r"<script([^>]*)>", page) if kind]
    assert all('type="application/json"' in kind for kind in others)  # data, which no browser runs


def test_report_prints_what_the_run_measured_against_its_plan(run, tmp_path):
    outcome = leanrl("report", run, "--out", tmp_path / "report", "--json")
    assert outcome.code == 0, outcome.err
    printed = json.loads(outcome.out)
    assert printed["page"] == str(tmp_path / "report" / "index.html")
    (found,) = printed["runs"]
    in_summary = json.loads((run / "summary.json").read_text())["against_plan"]
    assert found["against_plan"]["seconds"] == in_summary["seconds"]
    # The process has grown since: the score after training comes behind the last step.
    assert found["against_plan"]["memory"][0]["measured"] >= in_summary["memory"][0]["measured"]


def test_merge_writes_a_model_that_transformers_loads(run, tmp_path):
    out = tmp_path / "merged"
    outcome = leanrl("merge", run, "--out", out, "--dtype", "float32")
    assert outcome.code == 0, outcome.err
    AutoModelForCausalLM.from_pretrained(out)
    assert (out / "README.md").is_file()
    again = leanrl("merge", run, "--out", out)
    assert again.code == 2
    assert "exists" in again.err


def test_sample_answers_with_the_prompt_of_the_run(run):
    outcome = leanrl("sample", run, "7 + 8", "--max-tokens", "4")
    assert outcome.code == 0, outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.long
def test_sample_of_a_merged_model_equals_that_of_its_run(run, tmp_path):
    out = tmp_path / "merged"
    assert leanrl("merge", run, "--out", out, "--dtype", "float32").code == 0
    asked = ["7 + 8", "--max-tokens", "6"]
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["prompt_template"] == "Add {problem}"
    from_run = leanrl("sample", run, *asked)
    assert from_run.code == 0, from_run.err
    assert leanrl("sample", out, *asked).code == 0


def test_sample_of_nothing_says_so(tmp_path):
    outcome = leanrl("sample", tmp_path, "7 + 8")
    assert outcome.code == 2
    assert str(tmp_path) in outcome.err
