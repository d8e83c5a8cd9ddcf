/* A Fourier transform of 256 points with sines from a series, and back. */
#include "shim.h"
enum { N = 256 };
static const double PI = 3.14159265358979323846;
static double sine(double x) {
  while (x > PI) x -= 2 * PI;
  while (x < -PI) x += 2 * PI;
  double term = x, sum = x;
  for (int n = 1; n < 14; n++) term *= -x * x / ((2 * n) * (2 * n + 1)), sum += term;
  return sum;
}
static double re[N], im[N];
static void transform(int sign) {
  for (int i = 1, j = 0; i < N; i++) {
    int bit = N >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { double t = re[i]; re[i] = re[j], re[j] = t; t = im[i]; im[i] = im[j], im[j] = t; }
  }
  for (int size = 2; size <= N; size *= 2)
    for (int i = 0; i < N; i += size)
      for (int k = 0; k < size / 2; k++) {
        double angle = sign * 2 * PI * k / size, wr = sine(angle + PI / 2), wi = sine(angle);
        int a = i + k, b = a + size / 2;
        double tr = re[b] * wr - im[b] * wi, ti = re[b] * wi + im[b] * wr;
        re[b] = re[a] - tr, im[b] = im[a] - ti, re[a] += tr, im[a] += ti;
      }
}
int main(void) {
  for (int i = 0; i < N; i++) re[i] = sine(i * 0.1) + (double)(i % 7), im[i] = 0;
  transform(1);
  for (int i = 0; i < N; i += 37) print("%g %g\n", re[i], im[i]);
  transform(-1);
  double worst = 0;
  for (int i = 0; i < N; i++) { double d = re[i] / N - (sine(i * 0.1) + (double)(i % 7)); if (d < 0) d = -d; if (d > worst) worst = d; }
  print("%g %d\n", worst, (i64)(worst < 1e-9));
  return 0;
}
