import CUnderstudyKernels

/// A precision in which students are trained: `Double` or `Float`.
public protocol KernelScalar: BinaryFloatingPoint, Sendable {
  /// Scalars in 64 bytes; every row of packed memory is padded to a multiple of it.
  static var lanePad: Int { get }
  /// The C kernels of this precision for a set of instructions.
  ///
  /// - Precondition: this processor has the instructions.
  static func kernels(for instructions: InstructionSet) -> KernelTable<Self>
  /// Rounds `count` numbers to this precision, from consecutive places to places `stride` apart. A requirement, not a
  /// generic function, because a conversion in unspecialised generic code costs a call for every number.
  static func convert(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Self>, stride: Int)
  /// Adds `count` numbers of this precision to as many of double precision; a requirement for the same reason.
  static func add(_ source: UnsafePointer<Self>, count: Int, to target: UnsafeMutablePointer<Double>)
  /// The loss of one sample, its outputs `stride` apart; a requirement for the same reason.
  static func loss(
    _ loss: TrainingLoss, target: UnsafePointer<Self>, outputs: UnsafePointer<Self>, stride: Int, count: Int
  ) -> Double
}

extension Double: KernelScalar {
  public static var lanePad: Int { 8 }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Double> {
    table(of: instructions, among: doubleTables)
  }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = source[i] }
  }

  public static func add(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += source[i] }
  }

  public static func loss(
    _ loss: TrainingLoss, target: UnsafePointer<Double>, outputs: UnsafePointer<Double>, stride: Int, count: Int
  ) -> Double {
    sampleLoss(loss, target: target, outputs: outputs, stride: stride, count: count)
  }
}

extension Float: KernelScalar {
  public static var lanePad: Int { 16 }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Float> {
    table(of: instructions, among: floatTables)
  }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = Float(source[i]) }
  }

  public static func add(_ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += Double(source[i]) }
  }

  public static func loss(
    _ loss: TrainingLoss, target: UnsafePointer<Float>, outputs: UnsafePointer<Float>, stride: Int, count: Int
  ) -> Double {
    sampleLoss(loss, target: target, outputs: outputs, stride: stride, count: count)
  }
}

/// 1/2 ||target - output||^2, or -log softmax(output) at the largest target.
private func sampleLoss<Scalar: KernelScalar>(
  _ loss: TrainingLoss, target: UnsafePointer<Scalar>, outputs: UnsafePointer<Scalar>, stride: Int, count: Int
) -> Double {
  switch loss {
  case .squaredError:
    var squares = 0.0
    for c in 0..<count {
      let error = Double(target[c] - outputs[c * stride])
      squares += error * error
    }
    return squares / 2
  case .crossEntropy:
    var (label, largest, sum) = (0, -Double.infinity, 0.0)
    for c in 0..<count {
      if target[c] > target[label] { label = c }
      largest = max(largest, Double(outputs[c * stride]))
    }
    for c in 0..<count { sum += exponential(Double(outputs[c * stride]) - largest) }
    return largest + logarithm(sum) - Double(outputs[label * stride])
  case .distillation: preconditionFailure("dense kernels do not distil")
  }
}

// Made once: a table takes memory for each of its functions.
private let doubleTables = tables(us_kernels_of_f64) { KernelTable<Double>($0) }
private let floatTables = tables(us_kernels_of_f32) { KernelTable<Float>($0) }

private func tables<Kernels, Table>(
  _ kernels: (us_instruction_set) -> UnsafePointer<Kernels>?, _ table: (Kernels) -> Table
) -> [InstructionSet: Table] {
  var tables: [InstructionSet: Table] = [:]
  for instructions in InstructionSet.allCases {
    tables[instructions] = kernels(instructions.code).map { table($0.pointee) }
  }
  return tables
}

private func table<Table>(of instructions: InstructionSet, among tables: [InstructionSet: Table]) -> Table {
  guard instructions.isSupported, let table = tables[instructions] else {
    preconditionFailure("this processor has no \(instructions.rawValue)")
  }
  return table
}
