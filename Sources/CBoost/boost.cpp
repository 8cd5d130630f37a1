#include "understudy_boost.h"

#include <algorithm>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <cmath>
#include <vector>

double us_owens_t(double h, double a) {
  using namespace boost::math::policies;
  // Without promotion to long double, which is slower by far. Errors would be exceptions, which must not reach Swift.
  using plain = policy<
      promote_double<false>, domain_error<ignore_error>, overflow_error<ignore_error>, evaluation_error<ignore_error>>;
  return boost::math::owens_t(h, a, plain());
}

us_ode_end us_integrate(
    size_t count, double *state, double duration, double absolute, double relative, double *time, double *step,
    us_ode_derivative derivative, us_ode_stop stop, void *context) {
  namespace odeint = boost::numeric::odeint;
  using vector = std::vector<double>;
  const auto system = [&](const vector &y, vector &slope, double) { derivative(y.data(), slope.data(), context); };
  auto stepper = odeint::make_controlled(absolute, relative, odeint::runge_kutta_dopri5<vector>());
  vector y(state, state + count);
  while (*time < duration) {
    if (stop(*time, context)) return us_ode_stopped;
    const bool is_last = *step >= duration - *time;
    // The stepper advances the time, and makes the length that of the next step to try.
    double tried = is_last ? duration - *time : *step;
    const auto result = stepper.try_step(system, y, *time, tried);
    *step = tried;
    if (result == odeint::success) {
      if (!std::all_of(y.begin(), y.end(), [](double value) { return std::isfinite(value); })) return us_ode_failed;
      std::copy(y.begin(), y.end(), state);
      if (is_last) return us_ode_reached;
    } else if (!(*step > 1e-14 * duration)) {
      return us_ode_failed;
    }
  }
  return us_ode_reached;
}
