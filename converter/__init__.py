"""From a trained torch model to the integer IF network: trace, balance, quantise, lower."""
