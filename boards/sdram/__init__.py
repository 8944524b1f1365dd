"""A board's SDRAM: LiteDRAM's core for it, as Verilog that is generated when a design is built."""
