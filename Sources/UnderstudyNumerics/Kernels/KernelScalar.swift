import CUnderstudyKernels

/// A precision in which students are trained: `Double` or `Float`.
public protocol KernelScalar: BinaryFloatingPoint, Sendable {
  /// Scalars in 64 bytes; every row of packed memory is padded to a multiple of it.
  static var lanePad: Int { get }
  /// - Precondition: this processor has the instructions.
  static func kernels(for instructions: InstructionSet) -> KernelTable<Self>
  /// Rounds `count` numbers to this precision, from consecutive places to places `stride` apart. A requirement, not a
  /// generic function, because a conversion in unspecialised generic code costs a call for every number.
  static func convert(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Self>, stride: Int)
  /// Adds `count` numbers of this precision to as many of double precision; a requirement for the same reason.
  static func add(_ source: UnsafePointer<Self>, count: Int, to target: UnsafeMutablePointer<Double>)
}

extension Double: KernelScalar {
  public static var lanePad: Int { 8 }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Double> {
    KernelTable(table(of: instructions, us_kernels_of_f64))
  }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = source[i] }
  }

  public static func add(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += source[i] }
  }
}

extension Float: KernelScalar {
  public static var lanePad: Int { 16 }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Float> {
    KernelTable(table(of: instructions, us_kernels_of_f32))
  }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = Float(source[i]) }
  }

  public static func add(_ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += Double(source[i]) }
  }
}

private func table<Kernels>(
  of instructions: InstructionSet, _ kernels: (us_instruction_set) -> UnsafePointer<Kernels>?
) -> Kernels {
  guard instructions.isSupported, let table = kernels(instructions.code) else {
    preconditionFailure("this processor has no \(instructions.rawValue)")
  }
  return table.pointee
}
