"""Efforts so small that a run takes seconds: every part is there, no model is judged by it."""

from typing import Any

CHEAP: dict[str, dict[str, Any]] = {
    "evasion_linf": {
        "epsilons": [0.1],
        "samples": 60,
        "steps": 2,
        "restarts": 1,
        "score_queries": 10,
        "walk_iterations": 1,
    },
    "evasion_l2": {
        "epsilons": [0.5],
        "samples": 20,
        "steps": 2,
        "restarts": 1,
        "score_queries": 5,
        "walk_iterations": 1,
    },
    "transfer_evasion": {
        "epsilons": [0.1],
        "samples": 60,
        "steps": 1,
        "score_queries": 5,
        "sources": ["softmax-regression", "random-forest"],
    },
    "random_noise": {"epsilons": [0.1], "repeats": 1},
    "backdoor_poisoning": {"rates": [0.0], "repeats": 1},
    "common_corruptions": {"severities": [3], "corruptions": ["contrast"]},
    "poisoning_detection": {
        "kinds": ["patch", "random_flips"],
        "rates": [0.01],
        "sets": 1,
        "clean_sets": 1,
        "retrain_sets": 1,
        "batched_sets": 0,
        "model": "softmax-regression",
    },
    "membership_inference": {"shadows": 0, "label_only_directions": 1, "label_only_sizes": 2},
    "model_file_tampering": {"draws": 2, "swaps": 1},
    "model_extraction": {
        "query_budgets": [100, 250],
        "answers": ["labels"],
        "queries": ["population"],
        "surrogates": ["softmax-regression"],
        "repeats": 1,
    },
    "model_inversion": {"starts": 2, "steps": 2, "score_queries": 2},
    "rag_prompt_injection": {"cases": 12, "benign_tasks": 6},
    "rag_false_answers": {"cases": 8, "benign_tasks": 4},
}
