.equ DDRB, 0x04
.equ PORTB, 0x05
.global main
main:
    ldi r16, 0x20
    out DDRB, r16
loop:
    out PORTB, r16
    rjmp loop
