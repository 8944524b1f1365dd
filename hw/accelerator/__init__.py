"""Connection, layer and the whole accelerator, put together of the other rooms' components."""
