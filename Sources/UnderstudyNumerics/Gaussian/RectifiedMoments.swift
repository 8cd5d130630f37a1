import Foundation

/// A normal variable z and its expectations under a (leaky) ReLU phi: phi(z) = z for z > 0, c z otherwise.
///
/// A deviation of 0 is a constant, at 0 on the negative side.
public struct RectifiedNormal: Sendable, Hashable {
  /// b
  public let mean: Double
  /// sigma
  public let deviation: Double
  /// c
  public let negativeSlope: Double
  /// h = b / sigma, within +-100: beyond that nothing changes in double precision.
  let offset: Double
  /// Density and distribution of a standard normal variable at h.
  let density: Double
  /// P(z > 0)
  public let activeShare: Double
  /// E[max(0, z)]
  let positiveMean: Double

  public init(mean: Double, deviation: Double, negativeSlope: Double) {
    (self.mean, self.deviation, self.negativeSlope) = (mean, deviation, negativeSlope)
    guard deviation > 0 else {
      (offset, density) = (mean > 0 ? 100 : -100, 0)
      activeShare = mean > 0 ? 1 : 0
      positiveMean = max(0, mean)
      return
    }
    offset = min(100, max(-100, mean / deviation))
    density = normalDensity(offset)
    activeShare = normalDistribution(offset)
    positiveMean = max(0, mean * activeShare + deviation * density)
  }

  private var step: Double { 1 - negativeSlope }
  /// E[phi(z)]
  public var activation: Double { negativeSlope * mean + step * positiveMean }
  /// E[phi'(z)]
  public var slope: Double { negativeSlope + step * activeShare }
  /// E[phi''(z)]: 1 - c times the density of z at 0.
  public var curvature: Double { deviation > 0 ? step * density / deviation : 0 }
}

/// Expectations of two jointly normal variables under a (leaky) ReLU, and what gradients of them need.
///
/// With z_a = sigma_a (h + X), z_b = sigma_b (k + Y) and rho, the correlation of X and Y, all follow from the probability
/// P = P(z_a > 0, z_b > 0) = Phi_2(h, k; rho), an integration by parts each (Docs/Derivations/dynamics.md).
///
/// - Complexity: that of ``bivariateNormalDistribution(_:_:_:)``, and some exponentials.
/// - Source: derived; of zero means the arc-cosine kernels of Cho, Saul 2009.
public struct RectifiedPair: Sendable, Hashable {
  /// E[phi(z_a) phi(z_b)]
  public let activations: Double
  /// E[phi'(z_a) phi'(z_b)]
  public let slopes: Double
  /// E[phi'(z_a) phi(z_b)] and E[phi(z_a) phi'(z_b)]
  public let slopeOfFirst: Double
  public let slopeOfSecond: Double
  /// E[phi''(z_a) phi(z_b)] and E[phi(z_a) phi''(z_b)]
  public let curvatureOfFirst: Double
  public let curvatureOfSecond: Double

  /// - Precondition: the same negative slope.
  public init(_ a: RectifiedNormal, _ b: RectifiedNormal, _ correlation: NormalCorrelation) {
    guard a.deviation > 0, b.deviation > 0 else {
      // Where one is a constant the two are independent.
      activations = a.activation * b.activation
      slopes = a.slope * b.slope
      (slopeOfFirst, slopeOfSecond) = (a.slope * b.activation, a.activation * b.slope)
      (curvatureOfFirst, curvatureOfSecond) = (a.curvature * b.activation, a.activation * b.curvature)
      return
    }
    let (c, step) = (a.negativeSlope, 1 - a.negativeSlope)
    let (h, k) = (a.offset, b.offset)
    let complement = correlation.complement
    let covariance = correlation.rho * a.deviation * b.deviation
    let both = bivariateNormalDistribution(h, k, correlation)
    // Of z_b given z_a = 0 and the reverse: mean over deviation, and the share above 0.
    let (ofSecond, ofFirst) = (correlation.remainder(of: k, given: h), correlation.remainder(of: h, given: k))
    let secondShare = Self.share(ofSecond, complement)
    let firstShare = Self.share(ofFirst, complement)
    let edge = complement > 0 ? complement * normalDensity(ofSecond / complement) : 0
    // E[1(z_a > 0) max(0, z_b)], E[max(0, z_a) 1(z_b > 0)], E[max(0, z_a) max(0, z_b)]
    let firstGate =
      b.mean * both + b.deviation * (b.density * firstShare + correlation.rho * a.density * secondShare)
    let secondGate =
      a.mean * both + a.deviation * (a.density * secondShare + correlation.rho * b.density * firstShare)
    let products =
      (a.mean * b.mean + covariance) * both + a.mean * b.deviation * b.density * firstShare
      + b.mean * a.deviation * a.density * secondShare + a.deviation * b.deviation * a.density * edge
    // E[1(z_a > 0) z_b] and the reverse: Stein's lemma.
    let firstGateLinear = b.mean * a.activeShare + covariance * a.density / a.deviation
    let secondGateLinear = a.mean * b.activeShare + covariance * b.density / b.deviation
    let linear = a.mean * b.mean + covariance
    // E[max(0, z_a) z_b] and the reverse.
    let firstLinear = b.mean * a.positiveMean + covariance * a.activeShare
    let secondLinear = a.mean * b.positiveMean + covariance * b.activeShare

    activations = c * c * linear + c * step * (firstLinear + secondLinear) + step * step * products
    slopes = c * c + c * step * (a.activeShare + b.activeShare) + step * step * both
    slopeOfFirst = c * b.activation + step * (c * firstGateLinear + step * firstGate)
    slopeOfSecond = c * a.activation + step * (c * secondGateLinear + step * secondGate)
    let secondMean = c * ofSecond + step * (ofSecond * secondShare + edge)
    let firstEdge = complement > 0 ? complement * normalDensity(ofFirst / complement) : 0
    let firstMean = c * ofFirst + step * (ofFirst * firstShare + firstEdge)
    curvatureOfFirst = step * a.density / a.deviation * b.deviation * secondMean
    curvatureOfSecond = step * b.density / b.deviation * a.deviation * firstMean
  }

  /// A variable and itself.
  public init(_ a: RectifiedNormal) { self.init(a, a, NormalCorrelation(rho: 1, gap: 0)) }

  /// Phi(mean / deviation), without deviation a step.
  private static func share(_ mean: Double, _ deviation: Double) -> Double {
    guard deviation > 0 else { return mean > 0 ? 1 : mean < 0 ? 0 : 0.5 }
    return normalDistribution(mean / deviation)
  }
}
