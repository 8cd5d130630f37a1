// What Understudy uses of Boost 1.74 or later, a Debian package of C++ headers, behind functions of C: Owen's T function
// (Boost.Math), and an integrator of ordinary differential equations (Boost.Numeric.Odeint).
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// T(h, a) = 1/(2 pi) integral from 0 to a of exp(-h^2 (1 + t^2) / 2) / (1 + t^2) dt. Source: Patefield, Tandy 2000.
double us_owens_t(double h, double a);

/// How an integration ended.
typedef enum us_ode_end {
  us_ode_reached = 0,
  /// The caller asked to stop.
  us_ode_stopped = 1,
  /// A number is not finite, or steps became too short for the tolerance.
  us_ode_failed = 2,
} us_ode_end;

/// Writes dy/dt at `state` into `derivative`; both have the length given to us_integrate.
typedef void (*us_ode_derivative)(const double *state, double *derivative, void *context);
/// Asked before each step, with the time from 0 on; 0 goes on.
typedef int (*us_ode_stop)(double time, void *context);

/// Integrates dy/dt = F(y) over `duration`, in place, by the pair of Dormand and Prince of order 5(4). Steps are as long as the
/// estimated error of each element is at most absolute + relative (|y| + step |dy/dt|).
///
/// `time` says how far it is, and `step` the length to try next. State, time and step are those after the last step taken, however
/// the integration ends; from them another call goes on to the same bits.
us_ode_end us_integrate(
    size_t count, double *state, double duration, double absolute, double relative, double *time, double *step,
    us_ode_derivative derivative, us_ode_stop stop, void *context);

#ifdef __cplusplus
}
#endif
