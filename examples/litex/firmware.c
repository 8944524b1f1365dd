/* Classifies every image of images.h, and prints what the accelerator says. */
#include "csr.h"
#include "images.h"
#include "interrupt.h"
#include "mem.h"
#include "registers.h"

#define REGISTER(offset) (*(volatile unsigned *)(ACCELERATOR_BASE + (offset)))
#define SERIAL (*(volatile unsigned *)CSR_UART_RXTX_ADDR)
#define SERIAL_FULL (*(volatile unsigned *)CSR_UART_TXFULL_ADDR)
#define EVENT_ENABLE (*(volatile unsigned *)CSR_ACCELERATOR_EV_ENABLE_ADDR)

static void put(char letter) {
  while (SERIAL_FULL)
    ;
  SERIAL = letter;
}

static void print(const char *text) {
  while (*text)
    put(*text++);
}

static void print_number(int number) {
  char digits[12];
  int at = 0;
  unsigned rest = number < 0 ? -(unsigned)number : (unsigned)number;
  if (number < 0)
    put('-');
  do
    digits[at++] = '0' + rest % 10;
  while (rest /= 10);
  while (at)
    put(digits[--at]);
}

/* The interrupt lines that are high: VexRiscv's own register. No handler is installed: the program
   has nothing else to do. */
static unsigned pending(void) {
  unsigned lines;
  __asm__ volatile("csrr %0, 0xfc0" : "=r"(lines));
  return lines;
}

static int classify(const unsigned *words) {
  for (int at = 0; at < WORDS; at++) {
    while (!(REGISTER(ACCELERATOR_STATUS) & ACCELERATOR_STATUS_ROOM))
      ;
    REGISTER(ACCELERATOR_PIXEL) = words[at];
  }
  while (!(pending() & (1u << ACCELERATOR_LINE)))
    ;
  for (int at = 0; at < ACCELERATOR_RESULTS0; at++) {
    while (!(REGISTER(ACCELERATOR_STATUS) & ACCELERATOR_STATUS_RESULT0))
      ;
    put(' ');
    print_number((int)REGISTER(ACCELERATOR_SCORE0));
  }
  return (int)REGISTER(ACCELERATOR_ANSWER0);
}

int main(void) {
  if (REGISTER(ACCELERATOR_ID) != ACCELERATOR_IDENTITY) {
    print("no accelerator\n\4");
    return 1;
  }
  /* The processor's own mask of interrupt lines, which `pending` reads behind. */
  __asm__ volatile("csrw 0xbc0, %0" ::"r"(1u << ACCELERATOR_LINE));
  EVENT_ENABLE = 1;
  REGISTER(ACCELERATOR_CONTROL) = ACCELERATOR_CONTROL_INTERRUPT;
  for (int image = 0; image < IMAGES; image++) {
    print("scores");
    int answer = classify(images[image]);
    print("\nimage ");
    print_number(image);
    print(": ");
    print_number(answer);
    put('\n');
  }
  put(4); /* ends the simulation */
  return 0;
}
