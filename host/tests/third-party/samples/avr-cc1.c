#include <avr/io.h>
#include <stdint.h>

static volatile uint8_t ticks;

int main(void) {
    DDRB |= _BV(DDB5);
    for (;;) {
        if (++ticks == 0)
            PORTB ^= _BV(PORTB5);
    }
}
