"""The commands of ``bms``, grouped by what they are for."""
