// An accelerator under random gaps, stalls and resets, in four states (test_hw_four_state.py).
//
// Every register of the bench changes with the rising edge. A pixel without valid is x. After a
// reset images begin anew, with a pixel offered in the first cycle without it more often than not.
module bench;
  reg clk = 0, rst = 0;
  reg pixels_valid = 0, results_ready = 0;
  reg [`PIXEL_BITS-1:0] pixels [0:`PIXELS-1];
  reg [`RESULT_BITS-1:0] expected [0:`RESULTS-1];
  reg [`PIXEL_BITS-1:0] pixel = {`PIXEL_BITS{1'bx}};
  wire pixels_ready, results_valid;
  wire [`RESULT_BITS-1:0] result;
  integer seed = `SEED, given = 0, taken = 0, resets = 0, left = 3, quiet = 0, cycle = 0;
  // Nothing is promised before the first reset.
  reg known = 0;

  accelerator dut (
    .clk(clk), .rst(rst), .steps(`STEPS), .delay(`DELAY),
    .pixels__payload(pixel), .pixels__valid(pixels_valid), .pixels__ready(pixels_ready),
    .results__payload(result), .results__valid(results_valid), .results__ready(results_ready)
  );

  initial begin
    $readmemh("pixels.hex", pixels);
    $readmemh("expected.hex", expected);
  end
  always #5 clk = ~clk;

  task fail(input [8*32-1:0] what);
    begin
      $display("FAILED %0s in cycle %0d, %0d resets, %0d pixels given, %0d results taken",
               what, cycle, resets, given, taken);
      $finish;
    end
  endtask

  // What is offered next, from pixel `given` on.
  task offer;
    begin
      pixels_valid <= 0;
      pixel <= {`PIXEL_BITS{1'bx}};
      if (given < `PIXELS && $dist_uniform(seed, 0, 3) != 0) begin
        pixels_valid <= 1;
        pixel <= pixels[given];
      end
    end
  endtask

  always @(posedge clk) begin
    cycle = cycle + 1;
    left = left - 1;
    if (rst) begin
      known = 1;
      given = 0;
      taken = 0;
      quiet = 0;
    end else if (known) begin
      if (^{pixels_ready, results_valid} === 1'bx) fail("x of ready or valid");
      if (results_valid) begin
        quiet = 0;
        if (taken == `RESULTS) fail("a result too many");
        else if (result !== expected[taken]) fail("another result");
        if (results_ready) taken = taken + 1;
      end
      if (pixels_valid && pixels_ready) given = given + 1;
      if (taken == `RESULTS) quiet = quiet + 1;
      if (quiet == 100 && resets == `RESETS) begin
        $display("PASSED");
        $finish;
      end
      if (left < -`LONGEST) fail("no end");
    end
    if (left == 0 && rst) begin
      rst <= 0;
      left = $dist_uniform(seed, 1, `BETWEEN);
    end else if (left == 0 && resets < `RESETS) begin
      rst <= 1;
      resets = resets + 1;
      // Of a single cycle every other time.
      left = $dist_uniform(seed, 0, 1) ? 1 : $dist_uniform(seed, 2, 5);
    end
    // A pixel that is offered stays until it is taken or a reset begins anew.
    if (rst || !pixels_valid || pixels_ready === 1'b1) offer;
    results_ready <= $dist_uniform(seed, 0, 3) != 0;
  end
endmodule
