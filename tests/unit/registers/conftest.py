import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from seclab.errors import Misconfigured
from seclab.registers import Registers, load_registers

RISKS = """\
id,title,asset,asset_class,actor,attacker_goal,attack_pattern,trust_boundary,nist_id,atlas_ids,\
owasp_ids,stride,likelihood,impact,control,evidence,residual_risk,owner,status,review_date
R-EVA-01,Evasion,Labels,prediction-interface,Client,Wrong label,"Search, then send",Client to API,\
NISTAML.022,AML.T0015;AML.T0043.000,ML01:2023,S;T,4,4,Hardening,evasion_linf,Larger changes,\
ml-engineering,mitigated,2027-03-31
R-POI-02,Wrong labels,Training data,training-data,Annotator,Blind spot,Flip them,Labels to data,\
none,AML.T0020,ML02:2023;LLM04:2025,T,2,5,Checks,data_checks:digits;random_noise,Plausible ones,\
data-engineering,accepted,2027-06-30
R-RAG-04,Leak,Context,context-system,User,Hidden text,Ask for it,Context to answer,\
NISTAML.035,none,none,I,3,3,None,none: never tested,Unknown,security,open,2027-02-28
"""

MATRIX = """\
attack_surface,attack,atlas_ids,evaluation,metric,defensive_control,risk_id
prediction-interface,Perturbation,AML.T0015;AML.T0043.000,evasion_linf,robust_accuracy,Hardening,R-EVA-01
prediction-interface,Perturbation,none,evasion_linf,clean_accuracy,Hardening,R-EVA-01
training-data,Flipped labels,AML.T0020,data_checks,,Checks,R-POI-02
training-data,Noise,none,random_noise,noisy_accuracy,None,R-POI-02
context-system,Questions,none,,,None,R-RAG-04
"""

THRESHOLDS = """\
- id: T-EVA-01
  risk: R-EVA-01
  subject: model
  evaluation: evasion_linf
  metric: robust_accuracy
  parameters: {attack: strongest, epsilon: 0.1}
  at_least: 0.7
  judged: pessimistic
  why: People still read the digit.
- id: T-POI-01
  risk: R-POI-02
  subject: model
  evaluation: random_noise
  metric: noisy_accuracy
  parameters: {}
  at_most: 1e-1
  judged: value
  why: For the sake of the test.
"""

PROFILES = """\
quick:
  description: A first answer.
  evaluations:
    evasion_linf: {epsilons: [0.05, 0.1], steps: 20}
    random_noise: {}
"""

MODELS = """\
tiers:
  low:
    signature: false
    clean_tree: false
    approvals: []
    oldest_days: 90
    evaluations: []
    force: true
  moderate:
    signature: true
    clean_tree: true
    approvals: []
    oldest_days: 60
    evaluations: [evasion_linf]
    force: true
  high:
    signature: true
    clean_tree: true
    approvals: [security]
    oldest_days: 30
    evaluations: [evasion_linf, random_noise]
    force: false
  critical:
    signature: true
    clean_tree: true
    approvals: [security, legal]
    oldest_days: 14
    evaluations: [evasion_linf, random_noise]
    force: false
matrix:
  public: {low: low, moderate: moderate, high: high, critical: critical}
  internal: {low: moderate, moderate: moderate, high: high, critical: critical}
  confidential: {low: high, moderate: high, high: high, critical: critical}
  restricted: {low: critical, moderate: critical, high: critical, critical: critical}
models:
  mlp:
    sensitivity: public
    criticality: low
    owner: ml-engineering
    why: For comparison.
  triage-bot:
    sensitivity: confidential
    criticality: moderate
    owner: security
    why: It reads letters.
"""

WAIVERS = """\
- id: W-001
  risk: R-EVA-01
  criterion: T-EVA-01
  model: mlp
  reason: It is behind a login.
  owner: Ann
  approver: Bob
  until: 2027-01-31
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of registers to break."""

    path: Path

    def write(self, file: str, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (self.path / file).write_bytes(data)

    def read(self, file: str) -> str:
        return (self.path / file).read_text(encoding="utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        text = self.read(file)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def cell(self, file: str, line: int, column: str) -> str:
        rows = self._rows(file)
        return rows[line - 1][rows[0].index(column)]

    def set_cell(self, file: str, line: int, column: str, value: str) -> None:
        rows = self._rows(file)
        rows[line - 1][rows[0].index(column)] = value
        with (self.path / file).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def load(self) -> Registers:
        return load_registers(self.path)

    def problems(self) -> tuple[str, ...]:
        with pytest.raises(Misconfigured) as caught:
            self.load()
        return caught.value.problems

    def _rows(self, file: str) -> list[list[str]]:
        with (self.path / file).open(newline="", encoding="utf-8") as stream:
            return list(csv.reader(stream))


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory):
    def make() -> Folder:
        folder = Folder(tmp_path_factory.mktemp("registers"))
        folder.write("risks.csv", RISKS)
        folder.write("attack_defense_matrix.csv", MATRIX)
        folder.write("thresholds.yaml", THRESHOLDS)
        folder.write("profiles.yaml", PROFILES)
        folder.write("models.yaml", MODELS)
        folder.write("waivers.yaml", WAIVERS)
        return folder

    return make


@pytest.fixture
def folder(new_folder):
    return new_folder()
