import Testing

@testable import UnderstudyNumerics

/// A value by plain loops in double precision, and how many epsilons of the kernel's precision it may be away.
struct Bounded {
  var value: Double
  var epsilons: Double

  init(_ value: Double, within epsilons: Double) {
    self.value = value
    self.epsilons = epsilons
  }
}

/// A sum, and that of the absolute values, which bounds its rounding errors.
func summed(_ terms: [Double]) -> (value: Double, size: Double) {
  (terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) })
}

/// Normal numbers that single precision holds exactly.
func exactNormals(_ count: Int, key: Int, deviation: Double = 1) -> [Double] {
  var stream = RandomStream(key: UInt64(key), purpose: .test, index: 71)
  return stream.normals(count, standardDeviation: deviation).map { Double(Float($0)) }
}

/// Holds what a kernel gives, for every instruction set of this machine, against the bounds, and the bits of AVX2 against
/// those of AVX-512.
func compare<Scalar: KernelScalar>(
  _: Scalar.Type, _ note: String, _ expected: [Bounded], sourceLocation: SourceLocation = #_sourceLocation,
  _ run: (KernelTable<Scalar>) -> [Double]
) {
  let epsilon = Double(Scalar.ulpOfOne)
  var bits: [InstructionSet: [UInt64]] = [:]
  for set in supportedSets {
    let found = run(Scalar.kernels(for: set))
    bits[set] = found.map(\.bitPattern)
    #expect(found.count == expected.count, "\(note)", sourceLocation: sourceLocation)
    let wrong = zip(found, expected).enumerated().first { !(abs($1.0 - $1.1.value) <= $1.1.epsilons * epsilon) }
    #expect(
      wrong == nil, "\(Scalar.self), \(set), \(note): element \(wrong?.offset ?? 0)", sourceLocation: sourceLocation)
  }
  if let avx2 = bits[.avx2], let avx512 = bits[.avx512] {
    #expect(avx2 == avx512, "\(Scalar.self), \(note): the sets' bits differ", sourceLocation: sourceLocation)
  }
}

extension AlignedBuffer {
  convenience init(_ values: [Double]) {
    self.init(count: values.count)
    for (i, value) in values.enumerated() { start[i] = Scalar(value) }
  }

  var values: [Double] { (0..<count).map { Double(start[$0]) } }
}
