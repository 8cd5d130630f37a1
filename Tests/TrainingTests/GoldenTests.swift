import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// Ten losses of one small run, to the bit. A change of the kernels' arithmetic changes what every seed gives: then the
/// form of the canonical text of runs (`Study.canonicalTexts`) gets a new version, and these numbers are written anew.
@Suite("Golden run") struct GoldenTests {
  static let losses: [UInt64] = [
    0x4004_38e6_aacd_28a8, 0x3fee_62b5_b955_94bf, 0x3fe0_43c9_6967_092d, 0x3fd7_a178_02aa_312e,
    0x3fd1_0f7a_a446_a788, 0x3fcd_c2ea_a285_1af3, 0x3fc8_c401_2451_88ca, 0x3fc5_3c37_20cc_e204,
    0x3fc3_92b3_4921_d054, 0x3fc2_32f8_64e7_28f3,
  ]

  /// All numbers come from counters by arithmetic that IEEE 754 fixes, without the C library's logarithms.
  private static func trace(_ instructions: InstructionSet) throws -> [UInt64] {
    var stream = RandomStream(key: 77, purpose: .test)
    func draw(_ rows: Int, _ columns: Int, _ size: Double) -> Matrix {
      Matrix(
        rowCount: rows, columnCount: columns, values: stream.uniforms(rows * columns).map { size * (2 * $0 - 1) })
    }
    func network(_ n: Int, _ size: Double) throws -> Network {
      try Network(
        layers: [
          NetworkLayer(weights: draw(n, 13, size), biases: draw(1, n, size).values),
          NetworkLayer(weights: draw(7, n, size), biases: draw(1, 7, size).values),
        ], activation: .relu)
    }
    let (teacher, student) = (try network(5, 1), Student(try network(11, 0.25)))
    let inputs = draw(90, 13, 2)
    let targets = try teacher.outputs(for: inputs)
    let plan = TrainingPlan(
      method: .stochastic(batchSize: 9), learningRate: 0.0625, learningRateHalvingInterval: 4, epochCount: 10,
      stepsPerEpoch: 25)
    let trainer = try Trainer<Double>(
      student: student, plan: plan, batches: .drawn(key: 77), instructions: instructions)
    let samples = PackedSamples<Double>(inputs: inputs, targets: targets)
    return (1...10).map { epoch in
      trainer.train(epoch: epoch, on: samples)
      return trainer.loss(over: samples).bitPattern
    }
  }

  @Test(
    "ten losses, to the bit", .enabled(if: InstructionSet.avx2.isSupported, "this processor has no AVX2"),
    arguments: [InstructionSet.avx2, .avx512].filter(\.isSupported))
  func golden(instructions: InstructionSet) throws {
    let trace = try Self.trace(instructions)
    let text = trace.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
    #expect(trace == Self.losses, "now \(text): \(trace.map { Double(bitPattern: $0) })")
  }
}
