import Foundation
import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema

/// Keeps what several runs need, by the hash of its recipe: a results folder.
public protocol ArtifactStore: Sendable {
  /// The bytes of that name; nil if there are none.
  func artifact(_ name: String) -> Data?
  /// Keeps bytes in place of what was there, or all or nothing of them.
  ///
  /// - Throws: ``StoreError`` of a store that takes no more.
  func keepArtifact(_ data: Data, as name: String) throws(StoreError)
  /// Forgets bytes, if they are there.
  func dropArtifact(_ name: String)
}

extension ResultsStore: ArtifactStore {}

/// A network that was trained on labels, with how well it does.
struct TrainedNetwork: Sendable {
  let network: Network
  /// On the evaluation images.
  let accuracy: Double
}

/// What is kept beside the weights of a network that several runs need: `artifacts/<recipe>.json`.
struct ArtifactNote: Codable {
  /// `teacher` or `oracle`.
  var what: String
  /// Of the weights' file: they belong together.
  var digest: String
  /// On the evaluation images, at the end.
  var accuracy: Double
  /// The mean loss of each epoch, and the accuracy on the evaluation images after it.
  var losses: [Double]
  var accuracies: [Double]
  var threads: Int
  var machine: String
}
