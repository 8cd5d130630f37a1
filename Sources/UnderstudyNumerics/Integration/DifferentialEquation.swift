import CBoost

/// How an integration of a differential equation ended.
public enum IntegrationEnd: Sendable, Hashable {
  case reached
  /// Asked to stop between two steps.
  case stopped
  /// A number is not finite, or no step is short enough for the tolerance.
  case failed
}

/// The error that is allowed of each step and element: `absolute` plus `relative` times its size.
public struct IntegrationTolerance: Sendable, Hashable {
  public var absolute: Double
  public var relative: Double

  public init(absolute: Double, relative: Double) { (self.absolute, self.relative) = (absolute, relative) }
}

/// How far an integration is. With y it determines what follows.
public struct IntegrationPlace: Sendable, Hashable {
  /// Since the beginning, in the unit of F's time.
  public var time: Double
  /// The length of step to try next, likewise.
  public var stepLength: Double

  public init(time: Double, stepLength: Double) { (self.time, self.stepLength) = (time, stepLength) }
}

/// Integrates dy/dt = F(y) in place by the controlled pair of Dormand and Prince of order 5(4), Boost.Odeint's.
///
/// The first step is found from y alone, so that the bits follow from y, the duration and F.
///
/// - Parameters:
///   - place: where an earlier call was stopped, then where this one ends; nil before the first step. An integration that was
///     stopped and goes on comes to the bits of one that was not.
///   - duration: of the whole integration, at least 0, in the unit of F's time.
///   - derivative: F(y), as many numbers as y.
///   - isCancelled: asked before each step, with the time; y is then that of the last one.
/// - Complexity: six calls of F a step. Steps are limited by the tolerance, and by stability: some 3.3 over the largest
///   eigenvalue of -dF/dy.
/// - Source: Dormand, Prince 1980; Hairer, Norsett, Wanner 1993, II.4, for the first step.
public func integrate(
  _ y: inout [Double], from place: inout IntegrationPlace?, over duration: Double, tolerance: IntegrationTolerance,
  isCancelled: (Double) -> Bool,
  derivative: ([Double]) -> [Double]
) -> IntegrationEnd {
  guard duration > 0, !y.isEmpty else { return .reached }
  guard var next = place ?? firstPlace(y, derivative(y), duration, tolerance) else { return .failed }
  defer { place = next }
  return withoutActuallyEscaping(derivative) { derivative in
    withoutActuallyEscaping(isCancelled) { isCancelled in
      let equation = Equation(count: y.count, derivative: derivative, isCancelled: isCancelled)
      let end = withExtendedLifetime(equation) {
        y.withUnsafeMutableBufferPointer { state in
          us_integrate(
            state.count, state.baseAddress, duration, tolerance.absolute, tolerance.relative, &next.time,
            &next.stepLength,
            { state, slope, context in Equation.at(context).evaluate(state, slope) },
            { time, context in Equation.at(context).isCancelled(time) ? 1 : 0 },
            Unmanaged.passUnretained(equation).toOpaque())
        }
      }
      return end == us_ode_reached ? .reached : end == us_ode_stopped ? .stopped : .failed
    }
  }
}

/// Before the first step, with a length to try; nil if y or its derivative are not finite.
private func firstPlace(
  _ y: [Double], _ slope: [Double], _ duration: Double, _ tolerance: IntegrationTolerance
) -> IntegrationPlace? {
  // A hundredth of the time that y needs to change as much as it is large.
  let scales = y.map { tolerance.absolute + tolerance.relative * abs($0) }
  let size = euclideanNorm(zip(y, scales).map { $0 / $1 })
  let speed = euclideanNorm(zip(slope, scales).map { $0 / $1 })
  guard size.isFinite, speed.isFinite else { return nil }
  let first = speed > 0 ? 0.01 * max(size, 1) / speed : duration
  return IntegrationPlace(time: 0, stepLength: min(first, duration))
}

/// What the C functions call back. A class because they hold its address.
private final class Equation {
  let count: Int
  let derivative: ([Double]) -> [Double]
  let isCancelled: (Double) -> Bool

  init(count: Int, derivative: @escaping ([Double]) -> [Double], isCancelled: @escaping (Double) -> Bool) {
    (self.count, self.derivative, self.isCancelled) = (count, derivative, isCancelled)
  }

  static func at(_ context: UnsafeMutableRawPointer?) -> Equation {
    guard let context else { preconditionFailure("no equation") }
    return Unmanaged.fromOpaque(context).takeUnretainedValue()
  }

  func evaluate(_ state: UnsafePointer<Double>?, _ slope: UnsafeMutablePointer<Double>?) {
    let values = derivative(Array(UnsafeBufferPointer(start: state, count: count)))
    precondition(values.count == count, "a derivative for each number")
    slope?.update(from: values, count: count)
  }
}
