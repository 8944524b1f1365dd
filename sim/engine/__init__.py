"""The engine in Verilator, with a memory that has an SDRAM's timing."""
