/* The Mandelbrot set as characters, in double and in single precision. */
#include "shim.h"
static int escape(double cr, double ci) {
  double r = 0, i = 0;
  int n = 0;
  for (; n < 50 && r * r + i * i < 4; n++) { double t = r * r - i * i + cr; i = 2 * r * i + ci, r = t; }
  return n;
}
static int escape_single(float cr, float ci) {
  float r = 0, i = 0;
  int n = 0;
  for (; n < 50 && r * r + i * i < 4; n++) { float t = r * r - i * i + cr; i = 2 * r * i + ci, r = t; }
  return n;
}
int main(void) {
  int different = 0;
  for (int y = -12; y <= 12; y++) {
    for (int x = -40; x <= 20; x++) {
      int n = escape(x / 20.0, y / 10.0);
      different += n != escape_single((float)x / 20.0f, (float)y / 10.0f);
      put_char(" .:-=+*#%@"[n / 5 > 9 ? 9 : n / 5]);
    }
    put_char('\n');
  }
  print("%d\n", (i64)different);
  return 0;
}
