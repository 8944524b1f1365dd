"""From a network to a bitstream or plain Verilog, with reports and a manifest."""
