"""The policy of metric names: what families there are, and what they must look like.

policies = load_policies(config.metrics, view.root)  # a PolicySet
match = policies.series("sglang:e2e_request_latency_seconds_bucket")
match.name, match.suffix, match.family.type    # "sglang:e2e_request_latency_seconds", "_bucket", "histogram"
policies.stored_by("prometheus-2").series("sglang_num_running_reqs")
"""

from trueup.metrics.policy.loading import (
    builtin,
    builtin_names,
    load_policies,
    load_policy,
    parse_policy,
    policy_problems,
)
from trueup.metrics.policy.lookup import Match, PolicySet, WrongPrefix
from trueup.metrics.policy.model import Family, Policy, PrefixRule, ScraperName
from trueup.metrics.policy.names import ALL_SUFFIXES, splits, suffixes_of

__all__ = [
    "ALL_SUFFIXES",
    "Family",
    "Match",
    "Policy",
    "PolicySet",
    "PrefixRule",
    "ScraperName",
    "WrongPrefix",
    "builtin",
    "builtin_names",
    "load_policies",
    "load_policy",
    "parse_policy",
    "policy_problems",
    "splits",
    "suffixes_of",
]
