"""From a torch model to a graph: the trace, and which operation each call is."""
