"""A farm in shards: whether all of it is there, and whether it is one farm."""

from . import MINUTE, Alert, Case

# These are of all processes of a farm: one job in one namespace.
OF_ALL = {"instance": None, "pod": None}


def shard(number, units=4):
    return f'bess_shard_info{{shard="{number}",first_unit="{number * units + 1}",units="{units}"}}'


ALERTS = [
    Alert("BessShardMissing", "critical", "wall", 2 * MINUTE,
          "max by (job, namespace) (bess_shards_expected) - namespace:bess_shard_info:count > 0",
          "Shards of the farm {{ $labels.job }} are missing.",
          "{{ $value }} of them are not scraped. Their units cannot be reached, and totals are of the others.",
          "bess-process",
          Case({shard(2): 1}, {shard(2): None}, {shard(0): 1, shard(1): 1, "bess_shards_expected": 3}, "1", OF_ALL,
               window_s=300, interval_s=60)),
    Alert("BessConfigDrift", "warning", "wall", 15 * MINUTE,
          "count by (job, namespace) (count by (job, namespace, sha256) (bess_config_hash_info)) > 1",
          "Processes of the farm {{ $labels.job }} run different farm files.",
          "{{ $value }} of them: a rollout that is not over, or a process that was left out of it.",
          "bess-process",
          Case({'bess_config_hash_info{sha256="00ff"}': None}, {'bess_config_hash_info{sha256="00ff"}': 1},
               {'bess_config_hash_info{sha256="11ee"}': 1}, "2", OF_ALL, window_s=300, interval_s=60)),
]
