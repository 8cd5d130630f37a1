/// The speed of independent fused multiply-adds on one core now, in GFLOP/s: the best of several short trials.
///
/// Shares of this peak compare across machines and moments; absolute times do not.
public func measurePeakGFLOPS<Scalar: KernelScalar>(
  _: Scalar.Type, instructions: InstructionSet = .best, trials: Int = 5
) -> Double {
  let kernels = Scalar.kernels(for: instructions)
  let repetitions: Int64 = 400_000
  let clock = ContinuousClock()
  var best = 0.0
  for _ in 0..<trials {
    var lanes: Int64 = 0
    let time = clock.measure { _ = kernels.peak(repetitions, &lanes) }
    best = max(best, Double(repetitions * 24 * 2 * lanes) / (time / .seconds(1)) / 1e9)
  }
  return best
}
