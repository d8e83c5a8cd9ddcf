/* Bodies that attract each other; energy before and after. */
#include "shim.h"
struct body { double x, y, z, vx, vy, vz, mass; };
static struct body bodies[5] = {
  {0, 0, 0, 0, 0, 0, 39.47841760435743},
  {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626, -0.02521836165988763, 0.03769367487038949},
  {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.01077434617879, 1.82566237123041, 0.00841576137658415, 0.01128632613196877},
  {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 1.08279100644153, 0.868713018169608, -0.01083263740136364, 0.001723724057059711},
  {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.979090732243898, 0.594698998647676, -0.03475595555078104, 0.002033686869924631}};
static double root(double x) { __asm__("sqrtsd %0, %0" : "+x"(x)); return x; }
static double energy(void) {
  double e = 0;
  for (int i = 0; i < 5; i++) {
    struct body *a = &bodies[i];
    e += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < 5; j++) { double dx = a->x - bodies[j].x, dy = a->y - bodies[j].y, dz = a->z - bodies[j].z; e -= a->mass * bodies[j].mass / root(dx * dx + dy * dy + dz * dz); }
  }
  return e;
}
static void advance(double dt) {
  for (int i = 0; i < 5; i++) for (int j = i + 1; j < 5; j++) {
    struct body *a = &bodies[i], *b = &bodies[j];
    double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z, d2 = dx * dx + dy * dy + dz * dz, mag = dt / (d2 * root(d2));
    a->vx -= dx * b->mass * mag, a->vy -= dy * b->mass * mag, a->vz -= dz * b->mass * mag;
    b->vx += dx * a->mass * mag, b->vy += dy * a->mass * mag, b->vz += dz * a->mass * mag;
  }
  for (int i = 0; i < 5; i++) bodies[i].x += dt * bodies[i].vx, bodies[i].y += dt * bodies[i].vy, bodies[i].z += dt * bodies[i].vz;
}
int main(void) {
  print("%g\n", energy());
  for (int i = 0; i < 1000; i++) advance(0.01);
  print("%g %g\n", energy(), bodies[0].x);
  return 0;
}
