// Four-bit counter with an enable and a carry.
module counter(input clk, input reset, input enable, output reg [3:0] count, output carry);
    assign carry = enable & (&count);
    always @(posedge clk)
        if (reset) count <= 4'd0;
        else if (enable) count <= count + 4'd1;
endmodule
