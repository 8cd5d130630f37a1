import UnderstudyNumerics

/// Samples to fit and samples to judge by: a tenth is held out, drawn by a fixed key, so that it is the same tenth each time
/// and none of a pattern in the samples' order. Of fewer than 20 samples none is.
package struct SampleSplit {
  /// Both ascending.
  package let fitted: [Int]
  package let heldOut: [Int]

  /// - Parameter neededCount: samples that have to be fitted; where fewer would be left, none is held out.
  package init(of count: Int, neededCount: Int = 0) {
    let heldOutCount = count < 20 || count - count / 10 < neededCount ? 0 : count / 10
    var stream = RandomStream(key: 0, purpose: .heldOut)
    let places = stream.uniforms(count)
    let order = (0..<count).sorted { (places[$0], $0) < (places[$1], $1) }
    heldOut = order.prefix(heldOutCount).sorted()
    fitted = order.dropFirst(heldOutCount).sorted()
  }
}
