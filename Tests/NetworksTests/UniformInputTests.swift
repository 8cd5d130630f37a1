import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@Suite("Uniform inputs") struct UniformInputTests {
  @Test("coordinates are uniform, of mean 0 and the stated spread; with a rank, within the subspace")
  func uniform() throws {
    let teacher = try deepDesign().draw(key: 1)
    func draw(_ distribution: InputDesign.Distribution, rank: Int?) -> Matrix {
      InputDesign(count: 500, standardDeviation: 1.5, distribution: distribution, rank: rank)
        .draw(for: teacher, key: 5, purpose: .trainingInputs)
    }
    let inputs = draw(.uniform, rank: nil)
    let bound = 1.5 * 3.0.squareRoot()
    #expect(inputs.values.allSatisfy { abs($0) < bound })
    // 6000 values: the mean varies by 1.5 / sqrt(6000) = 0.019, the mean square by 2.25 sqrt(4/5 / 6000) = 0.026; six.
    #expect(abs(inputs.values.reduce(0, +) / 6000) < 0.12)
    #expect(abs(product(inputs.values, inputs.values) / 6000 - 2.25) < 0.16)
    // Normal values would exceed the bound, sqrt(3) deviations, in 8 of 100.
    #expect(draw(.gaussian, rank: nil).values.contains { abs($0) > bound })

    let flat = draw(.uniform, rank: 3)
    // Orthonormal rows keep norms: those of three uniform coordinates, whose mean square is 3 x 2.25.
    #expect(abs(product(flat.values, flat.values) / 1500 - 2.25) < 6 * 2.25 * (0.8 / 1500).squareRoot())
    for i in 0..<500 { #expect(euclideanNorm(flat.row(i)) < bound * 3.0.squareRoot()) }
  }
}
